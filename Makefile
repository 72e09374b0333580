# Two commands for newcomers: `make demo` and `make test`. `make help` lists the rest.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
JUDGE := tests/wix/judge
READERS := tests/blogs/judge
AXE := tests/browser/axe

.DEFAULT_GOAL := help
.PHONY: help demo run containers test test-outside test-browser screenshots walk-docs walk-deployment checks chaos bench lock openapi licences clean

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

$(VENV)/installed: requirements-dev.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; name one with: make PYTHON=python3.12 ...")'
	@echo "Installing packages into $(VENV), once: about half a minute."
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements-dev.txt
	@touch $@

demo: $(VENV)/installed ## the whole product with sample shops and stand-in providers (EXIT=1 ends by itself)
	@$(BIN)/python -m tests.demo $(if $(EXIT),--exit)

run: $(VENV)/installed ## the product against the real services, keys from .env
	@$(BIN)/python -m config.run

test: $(VENV)/installed ## the tests, on a PostgreSQL of their own
	@$(BIN)/python -m tests.run $(ARGS)

test-outside: $(VENV)/installed ## tests with nginx, systemd's analyser, Prometheus, PgBouncer, LiteLLM, Wix's own packages and the readers of openapi.json, where they can be had, and of the stand-ins
	@! command -v npm >/dev/null || $(MAKE) --silent $(JUDGE)/node_modules/installed || echo "Wix's packages could not be installed: what they judge is skipped."
	@! command -v npm >/dev/null || $(MAKE) --silent $(READERS)/node_modules/installed || echo "Redocly and TypeScript could not be installed: what they judge is skipped."
	@$(BIN)/python -m tests.run outside $(ARGS)

test-browser: $(VENV)/browser ## the desk's stories in Chromium, and axe's look at its pages, where Chromium can be had
	@$(BIN)/python -m tests.browser.chromium || echo "Chromium could not be installed: the stories are skipped."
	@! command -v npm >/dev/null || $(MAKE) --silent $(AXE)/node_modules/installed || echo "axe could not be installed: its look at the pages is skipped."
	@$(BIN)/python -m tests.run browser $(ARGS)

screenshots: $(VENV)/browser ## the pictures of the desk in docs, from the product with sample shops
	@$(BIN)/python -m tests.browser.chromium
	@$(BIN)/python -m tests.browser.screenshots

$(VENV)/browser: $(VENV)/installed requirements-browser.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements-browser.txt
	@touch $@

$(AXE)/node_modules/installed: $(AXE)/package-lock.json
	@npm ci --prefix $(AXE) --silent
	@touch $@

$(READERS)/node_modules/installed: $(READERS)/package-lock.json
	@npm ci --prefix $(READERS) --silent
	@touch $@

$(JUDGE)/node_modules/installed: $(JUDGE)/package-lock.json
	@npm ci --prefix $(JUDGE) --silent
	@touch $@

checks: $(VENV)/installed ## what CI checks besides tests: lint, types, import rules, migrations, deployment settings
	@$(BIN)/python -m tests.checks

walk-docs: $(VENV)/installed ## the commands of README and docs that can be pasted, against the demo
	@$(BIN)/python -m tests.docs.walk

walk-deployment: $(VENV)/installed ## docs/deployment.md, pasted into a bare Debian with systemd (root, debootstrap)
	@$(BIN)/python -m tests.docs.walk_deployment

chaos: $(VENV)/installed ## workers and the database killed again and again (SIZE=small, full, cut, outage, drafts), or a scene: a stranger attacks (hostile), a bad release (release), a restored backup (restore), a database that takes no writes (demoted), an upgrade under load (roll), an action of staff on 50,000 blogs (batch): nothing lost, nothing twice
	@$(BIN)/python -m tests.chaos --size $(or $(SIZE),small) --seed $(or $(SEED),1) --patience $(or $(PATIENCE),1)

containers: $(VENV)/installed ## the images, and compose.yaml with three workers on stand-ins (Docker; or root, docker.io and debootstrap)
	@$(BIN)/python -m tests.containers

bench: $(VENV)/installed ## one benchmark (NAME=claim; without a name: which there are); its last line is one JSON object
	@$(BIN)/python -m tests.bench $(NAME)

lock: $(VENV)/installed ## write the requirements files from pyproject.toml
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --python-version 3.11 pyproject.toml -o requirements.txt
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --python-version 3.11 pyproject.toml --extra sentry -o requirements-sentry.txt
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --python-version 3.11 pyproject.toml --group dev -o requirements-dev.txt
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --python-version 3.11 --group standins --constraint requirements-dev.txt -o requirements-standins.txt
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --python-version 3.11 --group browser --constraint requirements-dev.txt -o requirements-browser.txt
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --python-version 3.11 --group judges -o requirements-judges.txt

openapi: $(VENV)/installed ## write openapi.json, the API's description, from the code
	@DEBUG=true READ_DOTENV=false DATABASE_URL=postgres://none@127.0.0.1:1/none $(BIN)/python manage.py write_openapi

licences: $(VENV)/installed ## write docs/licences.md: the licence of each locked package; fails on one that is unknown or has conditions
	@$(BIN)/python -m tests.licences

clean: ## remove the environment, the embedded databases, npm's packages
	rm -rf $(VENV) .local $(JUDGE)/node_modules $(READERS)/node_modules $(AXE)/node_modules

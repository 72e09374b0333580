# Images of the product and of what compose.yaml runs beside it. docs/containers.md says how they are used.
#   docker build --target product --tag blog-generation .
# The product's runs any process of the service, as a user without rights, from a file system that it need not write to:
#   docker run --read-only --tmpfs /tmp blog-generation python manage.py run_blog_worker

FROM python:3.11-slim-bookworm AS packages
COPY requirements.txt /build/
# Left out: pip, the packages' own tests, translations (USE_I18N is off), maps of scripts, and the page of the API that we don't show.
RUN python -m venv /opt/venv \
    && /opt/venv/bin/python -m pip install --quiet --no-cache-dir --no-compile --require-hashes --no-deps \
        --requirement /build/requirements.txt \
    && /opt/venv/bin/python -m pip uninstall --quiet --yes pip setuptools \
    && find /opt/venv -type d \( -name tests -o -name __pycache__ -o -path '*_sidecar/redoc' \) -prune -exec rm -r {} + \
    && find /opt/venv -type f \( -name '*.po' -o -name '*.mo' -o -name '*.pyi' -o -name '*.map' \) -delete


FROM python:3.11-slim-bookworm AS product
RUN useradd --uid 10001 --user-group --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin blogs
COPY --from=packages /opt/venv /opt/venv
WORKDIR /app
COPY manage.py pyproject.toml ./
COPY templates templates
COPY workers workers
COPY credits credits
COPY wix wix
COPY config config
COPY blogs blogs
COPY docs/runbook.md docs/
# Bytecode of what a web process and a worker import, because the running process may write none. All of it would be 24 MB more.
RUN export PATH="/opt/venv/bin:$PATH" SECRET_KEY=none DATABASE_URL=postgres://none@localhost/none READ_DOTENV=false \
    && python manage.py check \
    && python manage.py run_blog_worker --help >/dev/null \
    && DJANGO_SETTINGS_MODULE=config.settings python -c 'import config.wsgi, config.web.worker, config.streams.application, uvicorn, openai.resources.chat' \
    && python -m compileall -q /app
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    DJANGO_SETTINGS_MODULE=config.settings \
    READ_DOTENV=false \
    BIND=0.0.0.0:3000 \
    BLOG_WORKER_ALIVE_PATH=/tmp/worker-alive
USER 10001:10001
EXPOSE 3000 3001
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 CMD ["python", "-m", "config.healthcheck"]
CMD ["gunicorn", "-c", "config/gunicorn.py", "config.wsgi"]
# The last lines, because they differ with each build.
ARG RELEASE=
ARG REVISION=
ENV RELEASE=$RELEASE
LABEL org.opencontainers.image.title="blog-generation" \
    org.opencontainers.image.description="Wix shops ask for blog posts; this service writes, illustrates and delivers them" \
    org.opencontainers.image.licenses="MIT" \
    org.opencontainers.image.version="$RELEASE" \
    org.opencontainers.image.revision="$REVISION"


# OpenAI, Replicate and Wix in small, with sample shops: for the demo, and for nothing else.
FROM python:3.11-slim-bookworm AS standins-packages
COPY requirements-standins.txt /build/
RUN python -m venv /opt/pip \
    && /opt/pip/bin/python -m pip install --quiet --no-cache-dir --require-hashes --no-deps --target /opt/standins \
        --requirement /build/requirements-standins.txt

FROM product AS standins
COPY --from=standins-packages /opt/standins /opt/standins
ENV PYTHONPATH=/opt/standins
COPY tests/__init__.py tests/
COPY tests/sandbox tests/sandbox
COPY tests/demo tests/demo
COPY tests/support/__init__.py tests/support/shops.py tests/support/sample_data.py tests/support/
CMD ["python", "-m", "tests.sandbox", "--host", "0.0.0.0", "--port", "8080"]


FROM debian:bookworm-slim AS pgbouncer
RUN apt-get update \
    && apt-get install --yes --no-install-recommends pgbouncer=1.18.* \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 10001 --user-group --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin pooler
COPY deploy/pgbouncer.ini /etc/pgbouncer/pgbouncer.ini
USER 10001:10001
EXPOSE 6432
HEALTHCHECK --interval=10s --timeout=5s --retries=3 CMD ["bash", "-c", "</dev/tcp/127.0.0.1/6432"]
CMD ["pgbouncer", "/etc/pgbouncer/pgbouncer.ini"]

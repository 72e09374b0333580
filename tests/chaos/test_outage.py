from __future__ import annotations

import json
import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow_process


def test_five_seconds_without_the_database_lose_nothing_under_the_api_and_under_the_worker():
    run = subprocess.run(
        [sys.executable, "-m", "tests.chaos.outage"], capture_output=True, text=True, timeout=120, check=False
    )

    assert run.returncode == 0, run.stdout + run.stderr
    result = json.loads(run.stdout.splitlines()[-1])
    assert set(result["answers_meanwhile"]) == {"503 database_unavailable True", "health 503"}
    assert result["blogs"] == result["done"] == result["drafts"] == 25
    # Answers that were paid for were kept until they could be saved.
    assert result["articles_paid"] == 25
    assert result["ledger_ok"]

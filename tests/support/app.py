"""The Wix app that the tests are."""

from __future__ import annotations

APP_ID, APP_SECRET = "00000000-0000-4000-8000-000000000001", "test-secret"

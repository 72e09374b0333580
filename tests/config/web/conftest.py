from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User

from tests.support.logins import RIGHT


@pytest.fixture
def ada(db: None, settings: Any) -> User:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.AXES_FAILURE_LIMIT = 3
    return User.objects.create_superuser("ada", password=RIGHT)

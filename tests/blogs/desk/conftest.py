from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def admin_user(db: None) -> User:
    return User.objects.create_superuser("ada")


@pytest.fixture
def desk(admin_user: User) -> Client:
    """Staff who may do everything."""
    return signed_in(admin_user)


@pytest.fixture
def desk_with(db: None) -> Callable[..., Client]:
    """Staff with these permissions only, each as `app.codename`."""

    def with_permissions(*names: str) -> Client:
        user = User.objects.create_user("vera", is_staff=True)
        for name in names:
            app, codename = name.split(".")
            user.user_permissions.add(Permission.objects.get(content_type__app_label=app, codename=codename))
        return signed_in(user)

    return with_permissions

"""Logins of staff, by the login page's form."""

from __future__ import annotations

from typing import Any

from django.test import Client

RIGHT = "a long and right password"


def log_in(
    name: str = "ada",
    password: str = RIGHT,
    *,
    address: str = "203.0.113.5",
    browser: Client | None = None,
    **headers: Any,
) -> int:
    """Try it, as a new browser unless one is given. Return the answer's status: 302 leads on to the desk."""
    form = {"username": name, "password": password, "next": "/admin/"}
    return (browser or Client()).post("/admin/login/", form, REMOTE_ADDR=address, **headers).status_code

"""Answers 400 to what no page of the desk asks, but a forged form or address does. Django's admin would answer 500."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib.admin.exceptions import DisallowedModelAdminLookup
from django.core.exceptions import ValidationError
from django.db import DataError
from django.http import HttpRequest, HttpResponse

from config.door.front_door import refused
from config.door.refusals import DESK

_CHOSEN = "_selected_action"


class DeskQuestions:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self._get_response(request)

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> HttpResponse | None:
        """Look at the rows that an action is for: each is a key of the list's table."""
        desk = getattr(view, "model_admin", None)
        if desk is None or request.method != "POST":
            return None
        try:
            for row in request.POST.getlist(_CHOSEN):
                desk.model._meta.pk.to_python(row)
        except ValidationError:
            return refused(request, 400, "malformed", "A row that was chosen is none of this list.")
        return None

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """Answer a search or a filter with a value that the database can't take: no such year, no such pattern."""
        if isinstance(error, DisallowedModelAdminLookup):
            return refused(request, 400, "malformed", f"This list has no such filter: {error}.")
        if not request.path_info.startswith(DESK) or request.method not in ("GET", "HEAD"):
            return None
        if isinstance(error, DataError | OverflowError):
            return refused(request, 400, "malformed", "The address asks for what no row can have.")
        return None

"""How drf-spectacular reads a view of ours: settings.REST_FRAMEWORK names this class."""

from __future__ import annotations

from typing import Any

from drf_spectacular.openapi import AutoSchema

# Its classes are known to drf-spectacular from here on.
from blogs.api.openapi import field_shapes  # noqa: F401


class ViewSchema(AutoSchema):
    """Leaves credentials, and what a body or a filter might be, to `documented` and `finish`."""

    def get_auth(self) -> list[dict[str, Any]]:
        return []

    def get_filter_backends(self) -> list[Any]:
        return []

    def _get_paginator(self) -> None:
        return None

    def _is_list_view(self, serializer: Any = None) -> bool:
        """Take a list's shape as it is named: a page is an object."""
        return False

"""Exports of the blogs that a list's filters choose, as CSV or JSON."""

from __future__ import annotations

from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import BadRequest, PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from blogs import audit
from blogs.desk import streaming
from blogs.desk.base import DeskAdmin, actor
from blogs.desk.blogs import acting, asked

_COLUMNS = (
    "id",
    "site__instance_id",
    "site__name",
    "status",
    "source_type",
    "source_id",
    "words__subject",
    "language",
    "stage",
    "attempts",
    "rescues",
    "error_code",
    "error_message",
    "waits_for",
    "created_at",
    "scheduled_at",
    "started_at",
    "finished_at",
    "draft_post_id",
    "draft_post_url",
    "post_url",
)
_NAMES = {name: name.replace("words__", "").replace("__", "_") for name in _COLUMNS}


def export(desk: DeskAdmin, request: HttpRequest, form: str) -> HttpResponseBase:
    """Answer with all blogs that the address's filters choose, the newest first; the audit log tells which."""
    if not (request.user.has_perm("blogs.export_blogs") and desk.has_view_permission(request)):
        raise PermissionDenied("You lack the right to export blogs (blogs.export_blogs).")
    kept, told = asked.corrected(request.GET)
    if told:
        return HttpResponse(" ".join(told), status=400, content_type="text/plain; charset=utf-8")
    request.GET = kept  # type: ignore[assignment]
    try:
        chosen = desk.get_changelist_instance(request).queryset
    except IncorrectLookupParameters:
        raise BadRequest("The address names a filter that there is not.") from None
    in_words = acting.filters_in_words(desk, request)

    def note() -> None:
        audit.record(actor(request), "export", f"blogs as {form}", after=in_words)

    return streaming.answer(chosen, _NAMES, form, called="blogs", note=note)

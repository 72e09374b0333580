"""Notes that staff write on a blog's or a shop's page, for the next colleague who answers its tickets."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import URLPattern, path, reverse

from blogs import audit
from blogs.desk.base import DeskAdmin, actor
from blogs.models import NOTE_MAX, BlogGeneration, Note
from wix.models import Site

NOTES_SHOWN = 50
PERMISSION = "blogs.add_note"


class NoteForm(forms.Form):
    text = forms.CharField(
        label="Another note",
        max_length=NOTE_MAX,
        widget=forms.Textarea(attrs={"rows": 3, "cols": 60}),
        help_text=f"Up to {NOTE_MAX:,} characters. Colleagues will read it; it can't be changed afterwards.",
        error_messages={"required": "Write something, or leave the note."},
    )


def urls(desk: DeskAdmin) -> list[URLPattern]:
    """Give the page of these rows the address to which its form goes."""

    def add(request: HttpRequest, row_id: int) -> HttpResponse:
        return _add(desk, request, get_object_or_404(desk.get_queryset(request), pk=row_id))

    name = f"{desk.opts.app_label}_{desk.opts.model_name}_note"
    return [path("<int:row_id>/note/", desk.admin_site.admin_view(add), name=name)]


def context(request: HttpRequest, row: BlogGeneration | Site) -> dict[str, Any]:
    """Give the notes for the row's page, the newest first: a shop's with those on its blogs."""
    of_row = {"blog_id": row.pk} if isinstance(row, BlogGeneration) else {"site_id": row.pk}
    newest = list(Note.objects.filter(**of_row).order_by("-id")[: NOTES_SHOWN + 1])
    return {
        "notes": newest[:NOTES_SHOWN],
        "notes_left_out": len(newest) > NOTES_SHOWN,
        "note_form": NoteForm() if request.user.has_perm(PERMISSION) else None,
        "note_url": _address(row, "note"),
    }


def _add(desk: DeskAdmin, request: HttpRequest, row: Any) -> HttpResponse:
    if not (request.user.has_perm(PERMISSION) and desk.has_view_permission(request, row)):
        raise PermissionDenied(f"You lack the right to write notes ({PERMISSION}).")
    form = NoteForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        if _write(request, row, form.cleaned_data["text"]):
            desk.message_user(request, "The note is written.", messages.SUCCESS)
        else:
            desk.message_user(request, "You have written this note before; it stands there once.", messages.WARNING)
        return HttpResponseRedirect(f"{_address(row, 'change')}#notes")
    shown = {"title": f"Note on {row}", "row": row, "row_url": _address(row, "change"), "opts": desk.opts, "form": form}
    return render(request, "admin/note.html", {**desk.admin_site.each_context(request), **shown})


def _write(request: HttpRequest, row: BlogGeneration | Site, text: str) -> bool:
    """Write it, and the audit log's entry with it. False: it is the author's last one here, sent again by a double click."""
    blog_id = row.pk if isinstance(row, BlogGeneration) else None
    by, site_id = actor(request), row.site_id if isinstance(row, BlogGeneration) else row.pk
    with transaction.atomic():
        of_row = Note.objects.filter(site_id=site_id, blog_id=blog_id)
        last = of_row.order_by("-id").values_list("user_id", "text").first()
        if last == (by.user_id, text):
            return False
        note = Note.objects.create(site_id=site_id, blog_id=blog_id, text=text, by=by.name[:150], user_id=by.user_id)
        audit.record(by, "add_note", row, after={"note": note.pk})
    return True


def _address(row: BlogGeneration | Site, page: str) -> str:
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_{page}", args=[row.pk])

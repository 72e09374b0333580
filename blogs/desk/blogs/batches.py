"""Batches on the support desk: how far each is, what became of each blog; staff stop one, and undo what can be undone."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import URLPattern, path, reverse
from django.utils.safestring import SafeString
from django.views.decorators.http import require_POST

from blogs.batches import starting
from blogs.batches.moves import MOVES, Move
from blogs.desk.base import ReadOnlyAdmin, WhyForm, a_worker_is_alive, actor, badge
from blogs.desk.blogs.acting import in_credits
from blogs.models import REASON_MAX, Batch, BatchItem

# How many results a batch's page shows, those that were skipped first.
_ITEMS_SHOWN = 200


@admin.register(Batch)
class BatchAdmin(ReadOnlyAdmin):
    list_display = ["__str__", "what", "chosen", "by", "reason", "total", "state", "created_at"]
    ordering = ["-id"]
    # Where it stands, and who stopped it, is above them, in the part that follows its work.
    fields = ["what", "chosen", "by", "reason", "total", "created_at", "undoes"]

    @admin.display(description="action")
    def what(self, batch: Batch) -> str:
        return MOVES[batch.action].label if batch.action in MOVES else batch.action

    @admin.display(description="state")
    def state(self, batch: Batch) -> SafeString:
        if batch.ended_at is None:
            return badge("processing", "running")
        return badge("cancelled", "stopped") if batch.stopped_by else badge("done", "over")

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("<int:batch_id>/stop/", view(require_POST(self.stop_view)), name="blogs_batch_stop"),
            path("<int:batch_id>/undo/", view(require_POST(self.undo_view)), name="blogs_batch_undo"),
            *super().get_urls(),
        ]

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        batch = context["original"]
        counts = dict(BatchItem.objects.filter(batch=batch).values_list("state").annotate(Count("pk")))
        done = batch.total - counts.get(BatchItem.State.WAITING, 0)
        context |= {
            "counts": [(label, counts.get(state, 0)) for state, label in BatchItem.State.choices],
            "progress": done,
            "items": _results(batch),
            "items_shown": _ITEMS_SHOWN,
            "no_worker": batch.ended_at is None and not a_worker_is_alive(),
            "may_stop": batch.ended_at is None and self._may(request, batch.action),
            "may_undo": self._can_be_undone(batch) and self._may(request, MOVES[batch.action].undone_by),
        }
        return super().render_change_form(request, context, *args, **kwargs)

    def stop_view(self, request: HttpRequest, batch_id: int) -> HttpResponse:
        batch = get_object_or_404(Batch, pk=batch_id)
        self._require(request, batch.action)
        stopped = starting.stop(actor(request), batch_id)
        self.message_user(request, "Stopped. What it has done stays done." if stopped else "It had ended before.")
        return self._page(batch)

    def undo_view(self, request: HttpRequest, batch_id: int) -> HttpResponse:
        batch = get_object_or_404(Batch, pk=batch_id)
        undone_by = MOVES[batch.action].undone_by if batch.action in MOVES else ""
        self._require(request, undone_by)
        form = WhyForm(request.POST if "confirmed" in request.POST else None)
        if self._can_be_undone(batch) and not form.is_valid():
            return self._ask_before_undoing(request, batch, MOVES[undone_by], form)
        why = form.cleaned_data["reason"] if form.is_valid() else ""
        undoing = starting.undo(actor(request), batch_id, reason=f"undoes batch {batch_id}: {why}"[:REASON_MAX])
        if undoing is None:
            self.message_user(request, "It runs still, or was undone before; nothing was changed.", messages.WARNING)
            return self._page(batch)
        self.message_user(request, f"Batch {undoing.pk} takes back what batch {batch_id} did.", messages.SUCCESS)
        return self._page(undoing)

    def _ask_before_undoing(self, request: HttpRequest, batch: Batch, move: Move, form: WhyForm) -> HttpResponse:
        done = BatchItem.objects.filter(batch=batch, state=BatchItem.State.DONE).count()
        shown = {
            "title": f"Undo batch {batch.pk}",
            "button": f"Undo it: {done:,} blog{'' if done == 1 else 's'}",
            "outlook": [
                f"{move.label}: the {done:,} that it moved, each that still allows it.",
                in_credits(move, done),
            ],
            "form": form,
            "back": reverse("admin:blogs_batch_change", args=[batch.pk]),
            "opts": self.opts,
        }
        return render(request, "admin/confirm.html", {**self.admin_site.each_context(request), **shown})

    def _require(self, request: HttpRequest, action: str) -> None:
        if not self._may(request, action):
            needed = MOVES[action].permission if action in MOVES else "the right to undo it, which no role has"
            raise PermissionDenied(f"You lack {needed}.")

    def _may(self, request: HttpRequest, action: str) -> bool:
        return action in MOVES and request.user.has_perm(MOVES[action].permission)

    def _can_be_undone(self, batch: Batch) -> bool:
        undone_by = MOVES[batch.action].undone_by if batch.action in MOVES else ""
        return bool(batch.ended_at and undone_by and not Batch.objects.filter(undoes=batch).exists())

    def _page(self, batch: Batch) -> HttpResponse:
        return HttpResponseRedirect(reverse("admin:blogs_batch_change", args=[batch.pk]))


def _results(batch: Batch) -> list[BatchItem]:
    """Give what was skipped first, then what was done; each in the order of the blogs."""
    found: QuerySet[BatchItem] = BatchItem.objects.filter(batch=batch).order_by("id")
    skipped = list(found.filter(state=BatchItem.State.SKIPPED)[:_ITEMS_SHOWN])
    return [*skipped, *found.filter(state=BatchItem.State.DONE)[: _ITEMS_SHOWN - len(skipped)]]

"""Worker processes on the support desk: which are alive, and what their threads do."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import F, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from blogs.desk.base import ReadOnlyAdmin, badge, span
from blogs.desk.system import limit_names
from workers.database.clock import ClockTimestamp
from workers.models import WorkerProcess
from workers.pool.heartbeat import FRESH_SECONDS


@admin.register(WorkerProcess)
class WorkerProcessAdmin(ReadOnlyAdmin):
    list_display = [
        "name",
        "release",
        "heartbeat",
        "broken",
        "threads",
        "in_flight",
        "done",
        "failed",
        "stopping",
        "waiting_for",
        "started_at",
    ]
    ordering = ["-id"]
    exclude = ["waiting"]
    readonly_fields = ["waiting_for"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[WorkerProcess]:
        workers: QuerySet[WorkerProcess] = super().get_queryset(request)
        return workers.annotate(silence=ClockTimestamp() - F("heartbeat_at"))

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """Give each the shops whose own limits its threads wait for."""
        page = super().get_changelist_instance(request)
        workers = list(page.result_list)
        shops = limit_names.shops(key for worker in workers for key in limit_names.keys_of(worker.waiting))
        for worker in workers:
            worker.shops = shops
        return page

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        worker: Any = super().get_object(request, object_id, from_field)
        if worker:
            worker.shops = limit_names.shops(limit_names.keys_of(worker.waiting))
        return worker

    @admin.display(description="heartbeat")
    def heartbeat(self, worker: Any) -> SafeString:
        silent = worker.silence.total_seconds()
        if silent > FRESH_SECONDS:
            return format_html("{} {} ago", badge("failed", "lost"), span(silent))
        return format_html("{} {} ago", badge("done", "alive"), span(silent))

    @admin.display(description="broken", empty_value="")
    def broken(self, worker: WorkerProcess) -> SafeString | None:
        if worker.broken_at is None:
            return None
        return format_html("{} {}", badge("failed", "takes probes only"), worker.broken_reason)

    @admin.display(description="waiting for")
    def waiting_for(self, worker: Any) -> str:
        return limit_names.waiting_for(worker.waiting, worker.shops)

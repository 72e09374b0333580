"""Pause and resume of everything, and of one provider: a page says what that means and asks why, then it is done, and audited.

All lines: no blog of any shop starts; what runs goes on, requests are taken, and neither `slow` nor the age of the oldest speaks of
the time in between. A provider: its breaker is held open, so no call goes to it, and blogs that need it wait at no cost.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import URLPattern, path, reverse

from blogs import audit
from blogs.audit import Actor
from blogs.desk.base import COUNTED, DeskAdmin, WhyForm, actor
from blogs.models import BlogGeneration, SiteLine, Status
from blogs.queue import lines, waiting
from workers.database import wakeup
from workers.models import Breaker
from workers.outbound import breaker_rows

# Their breakers may have no row yet: the first failure makes it.
PROVIDERS = ("openai", "replicate", "wix")

Do = Callable[[Actor, str], str]


def urls_of_all(desk: DeskAdmin) -> list[URLPattern]:
    view = desk.admin_site.admin_view
    return [
        path("pause-all/", view(lambda request: _pause_all(desk, request)), name="desk_pause_all"),
        path("resume-all/", view(lambda request: _resume_all(desk, request)), name="desk_resume_all"),
    ]


def urls_of_providers(desk: DeskAdmin) -> list[URLPattern]:
    def pause(request: HttpRequest, provider: str) -> HttpResponse:
        return _pause_provider(desk, request, provider)

    def resume(request: HttpRequest, provider: str) -> HttpResponse:
        return _resume_provider(desk, request, provider)

    view = desk.admin_site.admin_view
    return [
        path("<slug:provider>/pause/", view(pause), name="desk_pause_provider"),
        path("<slug:provider>/resume/", view(resume), name="desk_resume_provider"),
    ]


def pause_of_all() -> dict[str, Any] | None:
    """Say by whom, why and since when all lines are paused; None if they are not."""
    clock = lines.pause_of_all()
    return {"by": clock.paused_by, "why": clock.paused_why, "since": clock.paused_at} if clock else None


# --- All lines --------------------------------------------------------------------------------------------------------


def _pause_all(desk: DeskAdmin, request: HttpRequest) -> HttpResponse:
    _require(request, "blogs.pause_lines")
    outlook = [
        f"{_waiting()} in line: none of them starts until all lines are resumed, and none that comes meanwhile.",
        f"{_running()} on the way: they go on to their end.",
        "Shops can still ask for blogs, as long as the queue has room.",
    ]
    refused = "All lines are paused already." if lines.pause_of_all() else ""

    def do(by: Actor, reason: str) -> str:
        if not lines.pause_all(by=by.name[:150], reason=reason):
            return ""
        audit.record(by, "pause_all", "all lines", reason=reason)
        return "All lines are paused: no blog starts until they are resumed."

    return _asked(desk, request, "Pause all lines", outlook, do, refused=refused)


def _resume_all(desk: DeskAdmin, request: HttpRequest) -> HttpResponse:
    _require(request, "blogs.pause_lines")
    pause = lines.pause_of_all()
    paused_still = SiteLine.objects.filter(paused=True).count()
    outlook = [f"{_waiting()} in line: they start as fast as workers and limits allow."]
    if pause:
        outlook.insert(0, f"Paused by {pause.paused_by} since {pause.paused_at:%Y-%m-%d %H:%M} UTC: {pause.paused_why}")
    if paused_still:
        outlook.append(f"{paused_still:,} shops' lines were paused one by one, and stay paused.")

    def do(by: Actor, reason: str) -> str:
        if not lines.resume_all():
            return ""
        before = pause and {"by": pause.paused_by, "why": pause.paused_why}
        audit.record(by, "resume_all", "all lines", before=before, reason=reason)
        transaction.on_commit(wakeup.notify)
        return "All lines go on."

    return _asked(
        desk, request, "Resume all lines", outlook, do, refused="" if pause else "All lines are going already."
    )


def _waiting() -> str:
    ready = BlogGeneration.objects.filter(ready=True)[: COUNTED + 1].count()
    return f"{COUNTED:,}+ blogs" if ready > COUNTED else _blogs(ready)


def _running() -> str:
    return _blogs(BlogGeneration.objects.filter(status=Status.PROCESSING).count())


def _blogs(count: int) -> str:
    return f"{count:,} blog{'' if count == 1 else 's'}"


# --- A provider -------------------------------------------------------------------------------------------------------


def _pause_provider(desk: DeskAdmin, request: HttpRequest, provider: str) -> HttpResponse:
    breaker = _breaker(request, provider)
    outlook = [
        f"No call goes to {provider}, and no probe, until it is resumed. A call that is under way may end.",
        f"{_waiting_for(provider)} wait for it now. Each blog that comes to need it joins them, at no cost of an attempt.",
        f"A blog that has waited for {_hours()} fails, and its credits come back.",
    ]
    refused = f"It is paused already, by {breaker.held_by}." if breaker and breaker.held_by else ""

    def do(by: Actor, reason: str) -> str:
        breaker_rows.hold_open(provider, by=by.by, reason=reason)
        audit.record(by, "hold_breaker_open", f"breaker {provider}", reason=reason)
        return f"{provider} is paused: no call goes to it until it is resumed."

    return _asked(desk, request, f"Pause {provider}", outlook, do, refused=refused)


def _resume_provider(desk: DeskAdmin, request: HttpRequest, provider: str) -> HttpResponse:
    breaker = _breaker(request, provider)
    is_open = breaker is not None and breaker.opened_at is not None
    outlook = [f"{_waiting_for(provider)} wait for {provider}: they come back to their lines, and it is asked again."]
    if breaker and is_open:
        outlook.insert(0, f"It is not asked since {breaker.opened_at:%Y-%m-%d %H:%M} UTC: {breaker.reason}")

    def do(by: Actor, reason: str) -> str:
        if not breaker_rows.close(provider, waiting.provider_is_back, by=by.by, reason=reason):
            return ""
        before = {"held by": breaker.held_by, "why": breaker.reason} if breaker else None
        audit.record(by, "close_breaker", f"breaker {provider}", before=before, reason=reason)
        return f"{provider} is asked again."

    refused = "" if is_open else "It is asked already."
    return _asked(desk, request, f"Resume {provider}", outlook, do, refused=refused)


def _breaker(request: HttpRequest, provider: str) -> Breaker | None:
    _require(request, "workers.change_breaker")
    breaker = Breaker.objects.filter(pk=provider).first()
    if breaker is None and provider not in PROVIDERS:
        raise Http404("No such provider.")
    return breaker


def _waiting_for(provider: str) -> str:
    found = BlogGeneration.objects.filter(status=Status.PENDING, ready=False, waits_for=provider)
    return _blogs(found[:COUNTED].count())


def _hours() -> str:
    return f"{settings.BLOG_MAX_DEFERRAL_SECONDS / 3600:g} hours"


# --- Both -------------------------------------------------------------------------------------------------------------


def _require(request: HttpRequest, permission: str) -> None:
    if not request.user.has_perm(permission):
        raise PermissionDenied(f"You lack {permission}.")


def _asked(
    desk: DeskAdmin, request: HttpRequest, title: str, outlook: Sequence[str], do: Do, *, refused: str
) -> HttpResponse:
    """Ask why, and do it once the page's form comes back with a reason. `do` returns what to say; "" if it was so already."""
    form = WhyForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        with transaction.atomic():
            done = do(actor(request), form.cleaned_data["reason"])
        told, level = (
            (done, messages.SUCCESS) if done else ("It was so already; nothing was changed.", messages.WARNING)
        )
        desk.message_user(request, told, level)
        return HttpResponseRedirect(reverse("admin:index"))
    shown = {"title": title, "outlook": outlook, "refused": refused, "form": form, "back": reverse("admin:index")}
    return render(request, "admin/confirm.html", {**desk.admin_site.each_context(request), "opts": desk.opts, **shown})

"""A site's line on the support desk: staff pause and resume it, and set its weight."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import OuterRef, QuerySet, Subquery, Sum
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import URLPattern, path, reverse

from blogs import audit
from blogs.desk.base import AT_ONCE, DeskAdmin, WhyForm, actor, way_back
from blogs.models import AuditEntry, SiteLine
from blogs.queue import lines
from wix.models import Site
from workers.database import wakeup

_PAUSED_SHOWN = 50


class WeightForm(forms.Form):
    weight = forms.IntegerField(
        min_value=1,
        max_value=lines.WEIGHT_MAX,
        help_text="how many of its blogs start for each one of a site of weight 1",
        error_messages=dict.fromkeys(
            ["required", "invalid", "min_value", "max_value"],
            f"A weight is a whole number from 1 to {lines.WEIGHT_MAX}.",
        ),
    )


def urls(desk: DeskAdmin) -> list[URLPattern]:
    def weight(request: HttpRequest, site_id: int) -> HttpResponse:
        return _weight(desk, request, get_object_or_404(Site, pk=site_id))

    return [path("<int:site_id>/weight/", desk.admin_site.admin_view(weight), name="wix_site_weight")]


def context(site: Site) -> dict[str, Any]:
    """Describe the line for the site's page."""
    line = getattr(site, "line", None)
    return {
        "line": line,
        "line_weight": shown_weight(site),
        "weight_form": WeightForm(initial={"weight": round(weight_of(line)) if line else 1}),
    }


def shown_weight(site: Site) -> str:
    return f"{weight_of(site.line):g}" if hasattr(site, "line") else "1"


def weight_of(line: SiteLine) -> float:
    # Inverted twice, 1/3 is not quite a third.
    return round(1 / line.step, 6)


@admin.action(description="Pause the line: its blogs wait until it is resumed", permissions=["pause"])
def pause(desk: DeskAdmin, request: HttpRequest, queryset: QuerySet[Site]) -> HttpResponse:
    return _asked(desk, request, queryset, paused=True)


@admin.action(description="Resume the line", permissions=["pause"])
def resume(desk: DeskAdmin, request: HttpRequest, queryset: QuerySet[Site]) -> HttpResponse:
    answer = _asked(desk, request, queryset, paused=False)
    wakeup.notify()
    return answer


def _asked(desk: DeskAdmin, request: HttpRequest, queryset: QuerySet[Site], *, paused: bool) -> HttpResponse:
    """Ask why, and do it once the page's form comes back with a reason."""
    form = WhyForm(request.POST if "confirmed" in request.POST else None)
    back = way_back(request, "admin:wix_site_change")
    if form.is_valid():
        _steer(desk, request, queryset, paused=paused, reason=form.cleaned_data["reason"])
        return HttpResponseRedirect(back)
    shops = queryset.order_by("pk")[: AT_ONCE + 1]
    waiting = SiteLine.objects.filter(site__in=queryset.order_by("pk").values("pk")[:AT_ONCE]).aggregate(
        all=Sum("waiting")
    )
    shown = {
        "title": "Pause the line" if paused else "Resume the line",
        "move_name": "pause" if paused else "resume",
        "form": form,
        "shops": len(shops),
        "waiting": waiting["all"] or 0,
        "selected": request.POST.getlist("_selected_action"),
        "select_across": request.POST.get("select_across", "0"),
        "from_page": "from_page" in request.POST,
        "back": back,
        "opts": desk.opts,
    }
    return render(request, "admin/wix/site/confirm.html", {**desk.admin_site.each_context(request), **shown})


def paused_lines() -> list[Any]:
    """List the paused lines with what the audit log says of each: by whom, why, since when; up to fifty."""
    last = AuditEntry.objects.filter(site_id=OuterRef("site_id"), action="pause_line").order_by("-id")[:1]
    paused = SiteLine.objects.filter(paused=True).annotate(
        by=Subquery(last.values("by")), since=Subquery(last.values("created_at")), why=Subquery(last.values("reason"))
    )
    return list(paused.select_related("site").order_by("-waiting", "site_id")[:_PAUSED_SHOWN])


def _steer(desk: DeskAdmin, request: HttpRequest, queryset: QuerySet[Site], *, paused: bool, reason: str) -> None:
    move, word = (lines.pause, "Paused") if paused else (lines.resume, "Resumed")
    sites, changed, waiting = list(queryset.order_by("pk")[: AT_ONCE + 1]), 0, 0
    for site in sites[:AT_ONCE]:
        with transaction.atomic():
            line = lines.lock(site.pk)
            if line.paused == paused:
                continue
            move(line)
            audit.record(actor(request), "pause_line" if paused else "resume_line", site, reason=reason)
        changed += 1
        waiting += line.waiting
    blogs = f"{waiting:,} blog{'' if waiting == 1 else 's'} waiting"
    parts = [f"{word} {changed} with {blogs}." if changed else "Changed none."]
    if unchanged := len(sites[:AT_ONCE]) - changed:
        parts.append(f"{unchanged} needed no change.")
    if len(sites) > AT_ONCE:
        parts.append(f"That was the first {AT_ONCE:,} sites.")
    desk.message_user(request, " ".join(parts))


def _weight(desk: DeskAdmin, request: HttpRequest, site: Site) -> HttpResponse:
    if not (request.user.has_perm("blogs.weigh_lines") and desk.has_view_permission(request, site)):
        raise PermissionDenied
    form = WeightForm(request.POST)
    if form.is_valid():
        _set_weight(desk, request, site, form.cleaned_data["weight"])
    elif request.method == "POST":
        desk.message_user(request, " ".join(str(error) for error in form.errors["weight"]), messages.ERROR)
    return HttpResponseRedirect(reverse("admin:wix_site_change", args=[site.pk]))


def _set_weight(desk: DeskAdmin, request: HttpRequest, site: Site, weight: int) -> None:
    with transaction.atomic():
        line = lines.lock(site.pk)
        before = weight_of(line)
        if before == weight:
            desk.message_user(request, f"Its weight is {weight} already.", messages.WARNING)
            return
        lines.set_weight(line, weight)
        audit.record(actor(request), "set_weight", site, before=before, after=weight)
    desk.message_user(request, f"Weight {weight} from now on; it was {before:g}.", messages.SUCCESS)

"""Actions on blogs: first a page that says what would happen and asks why, then the blogs, at once or as a batch."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import cast

from django import forms
from django.conf import settings
from django.contrib import messages
from django.db import transaction
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html

from blogs import audit
from blogs.audit import Actor
from blogs.batches import moves, starting
from blogs.batches.moves import Move, Options, Skipped
from blogs.desk.base import DeskAdmin, WhyForm, actor, way_back
from blogs.desk.blogs import page
from blogs.models import BlogGeneration, Status

# More blogs than this are a batch, which workers carry out: a request would last for too long.
AT_ONCE = 200
# How far ahead a blog may be put, as in the API, and how long ago still counts as now: the form takes a moment to fill in.
_FAR = timedelta(days=366)
_LATE = timedelta(minutes=1)


class TimeForm(WhyForm):
    """Asks besides for the time at which the blogs are to start."""

    to = forms.DateTimeField(
        label="Start at (UTC)",
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}),
        help_text="empty: now",
    )

    def clean_to(self) -> datetime | None:
        at, now = self.cleaned_data["to"], timezone.now()
        if at and at > now + _FAR:
            raise forms.ValidationError("That is more than a year away; shops can't ask for it either.")
        if at and at < now - _LATE:
            raise forms.ValidationError("That time has passed. Leave the field empty to start now.")
        return cast(datetime | None, at)


@dataclass(frozen=True, slots=True)
class Outlook:
    """What an action would do to the blogs that are chosen."""

    allowed: int
    shops: int
    skipped: list[tuple[int, str]]
    besides: list[str]
    refused: str = ""


def act(desk: DeskAdmin, request: HttpRequest, chosen: QuerySet[BlogGeneration], move: Move) -> HttpResponse:
    """Ask, and do it once the page's form comes back with a reason."""
    ask_for = TimeForm if move.name == "reschedule" else WhyForm
    form = ask_for(request.POST if "confirmed" in request.POST else None)
    outlook = _outlook(move, chosen)
    if move.name == "refund" and not request.user.has_perm("credits.grant_many_credits"):
        outlook = _within_cap(outlook)
    back = way_back(request, "admin:blogs_bloggeneration_change")
    if form.is_valid() and not outlook.refused:
        options = {"to": at.isoformat()} if (at := form.cleaned_data.get("to")) else {}
        _carry_out(desk, request, chosen, move, outlook, form.cleaned_data["reason"], options)
        return HttpResponseRedirect(back)
    shown = {
        "title": move.label,
        "button": f"{move.label}: {outlook.allowed:,} blog{'' if outlook.allowed == 1 else 's'}",
        "form": form,
        "move_name": move.name,
        "outlook": outlook,
        "refused": outlook.refused or ("" if outlook.allowed else "There is nothing to do."),
        "chosen": in_words(desk, request),
        "at_once": AT_ONCE,
        "selected": request.POST.getlist("_selected_action"),
        "from_page": "from_page" in request.POST,
        "back": back,
        "select_across": request.POST.get("select_across", "0"),
        "opts": desk.opts,
    }
    return render(
        request, "admin/blogs/bloggeneration/confirm.html", {**desk.admin_site.each_context(request), **shown}
    )


def in_words(desk: DeskAdmin, request: HttpRequest) -> str:
    """Say which blogs are chosen: the one, how many are ticked, or by which filters all are."""
    if request.POST.get("select_across") != "1":
        ids = request.POST.getlist("_selected_action")
        return f"blog {ids[0]}" if len(ids) == 1 else f"{len(ids)} ticked blogs"
    return filters_in_words(desk, request)


def filters_in_words(desk: DeskAdmin, request: HttpRequest) -> str:
    """Say by which filters and search the list of this address chooses."""
    changelist = desk.get_changelist_instance(request)
    filters = [
        f"{spec.title}: {choice['display']}"
        for spec in changelist.filter_specs
        for choice in list(spec.choices(changelist))[1:]
        if choice["selected"]
    ]
    words = [*filters, *([f"search: {changelist.query}"] if changelist.query else [])]
    return "all blogs with " + "; ".join(words) if words else "all blogs, of all shops, without a filter"


def _outlook(move: Move, chosen: QuerySet[BlogGeneration]) -> Outlook:
    """Count what is chosen, by status and shop, up to the largest batch."""
    bounded = chosen.order_by("pk").values("pk")[: starting.BLOGS_MAX + 1]
    by_status = dict(
        BlogGeneration.objects.filter(pk__in=bounded).order_by().values_list("status").annotate(Count("pk"))
    )
    allowed = sum(by_status.get(status, 0) for status in move.statuses)
    within = BlogGeneration.objects.filter(pk__in=bounded, status__in=move.statuses)
    skipped = [
        (count, f"{status}: not for this action") for status, count in by_status.items() if status not in move.statuses
    ]
    besides = [said] if (said := in_credits(move, allowed)) else []
    if move.name == "publish_again" and (drafts := within.filter(publish=False).count()):
        besides.append(f"Of {drafts:,} of them the shop asked for a draft only: these posts go live too.")
    too_many = sum(by_status.values()) > starting.BLOGS_MAX
    return Outlook(
        allowed,
        within.aggregate(shops=Count("site", distinct=True))["shops"],
        skipped,
        besides,
        f"These are more than {starting.BLOGS_MAX:,} blogs; narrow the filter." if too_many else "",
    )


def _within_cap(outlook: Outlook) -> Outlook:
    """Forbid to give back more than a role may move at once."""
    cap = settings.DESK_CREDITS_CAP
    if outlook.allowed * settings.BLOG_CREDITS <= cap:
        return outlook
    return replace(outlook, refused=f"Your role moves up to {cap:,} credits at once; ask an admin for more.")


def in_credits(move: Move, blogs: int) -> str:
    """Say in a sentence what the action does to credits; "" where it touches none."""
    price = f"{blogs * settings.BLOG_CREDITS:,}"
    if Status.FAILED in move.statuses:
        return f"{price} credits are held again; a shop with too few is skipped."
    return {
        "cancel": f"Up to {price} credits that are held come back.",
        "refund": "What each has cost is given back, once; the posts stay.",
        "publish_again": "Workers publish each draft as it is now; what is published already stays so. No credits are touched.",
        "repair": "Workers have what failed in each held article written once more, and give its draft the new text. Nothing is"
        " published, and no credits are touched.",
        "rewrite": "Workers have each held article written from the start, and give its draft the new text. Nothing is published,"
        " and no credits are touched.",
        "draft_again": "Workers make each draft again from the stored article, unless the article still stands at Wix. Nothing is"
        " published, and no credits are touched.",
    }.get(move.name, "")


def _carry_out(
    desk: DeskAdmin,
    request: HttpRequest,
    chosen: QuerySet[BlogGeneration],
    move: Move,
    outlook: Outlook,
    reason: str,
    options: Options,
) -> None:
    by = actor(request)
    if outlook.allowed + sum(count for count, _ in outlook.skipped) <= AT_ONCE:
        moved, done, skipped = _at_once(chosen, move, by, reason, options)
        level = messages.WARNING if skipped else messages.SUCCESS
        desk.message_user(request, _summary(done, skipped), level)
        if move.name == "put_first" and len(moved) == 1:
            desk.message_user(request, f"Blog {moved[0].pk}: {page.place_in_line(moved[0])}")
        return
    allowed = chosen.filter(status__in=move.statuses)
    batch = starting.start(by, move.name, allowed, in_words=in_words(desk, request), reason=reason, options=options)
    url = reverse("admin:blogs_batch_change", args=[batch.pk])
    said = format_html('<a href="{}">Batch {}</a> works on {} blogs in the background.', url, batch.pk, batch.total)
    desk.message_user(request, said, messages.SUCCESS)


def _at_once(
    chosen: QuerySet[BlogGeneration], move: Move, by: Actor, reason: str, options: Options
) -> tuple[list[BlogGeneration], Counter[str], Counter[str]]:
    """Do it to each blog, in a transaction with its entry in the audit log."""
    moved, done, skipped = list[BlogGeneration](), Counter[str](), Counter[str]()
    # The blog that is moved last stands first. Moving the newest first keeps the order within a site.
    order = "-pk" if move.name == "put_first" else "pk"
    for blog in chosen.order_by(order):
        try:
            with transaction.atomic():
                did = moves.carry_out(move, blog.pk, by=by, reason=reason, options=options)
                audit.record(by, move.name, blog, before=blog.status, after=did, reason=reason)
            blog.refresh_from_db()
            moved.append(blog)
            done[did] += 1
        except Skipped as because:
            skipped[str(because)] += 1
    return moved, done, skipped


def _summary(done: Counter[str], skipped: Counter[str]) -> str:
    parts = [f"{word[:1].upper()}{word[1:]}: {count}." for word, count in done.items()] or ["Changed none."]
    parts += [f"Skipped {count}: {reason}." for reason, count in skipped.most_common()]
    return " ".join(parts)

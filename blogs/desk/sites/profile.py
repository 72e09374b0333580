"""A shop's profile on the support desk: what counts now, each version with what it changed, and how staff change it for a shop."""

from __future__ import annotations

from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.validators import RegexValidator
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import URLPattern, path, reverse

from blogs import audit
from blogs.article.plain_text import one_line, printable
from blogs.desk.base import DeskAdmin, WhyForm, actor
from blogs.models import CATEGORIES_MAX, CATEGORY_MAX, Length, ProfileReading, SiteProfile, Tone
from blogs.models import profile as bounds
from blogs.profiles import saving
from blogs.profiles.settings import NAMES, in_effect, newest
from wix import languages
from wix.models import Site

PERMISSION = "blogs.edit_profiles"
VERSIONS_SHOWN = 30
_OPEN = [("", "left open")]


class LinesField(forms.CharField):
    """A list, one entry a line."""

    def __init__(self, *, longest: int, most: int, **more: Any) -> None:
        self.longest, self.most = longest, most
        more.setdefault("help_text", f"One a line, up to {most} of {longest} characters each.")
        super().__init__(
            required=False,
            max_length=2 * longest * most,
            widget=forms.Textarea(attrs={"rows": 4, "cols": 60}),
            **more,
        )

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(value) if isinstance(value, list) else value

    def clean(self, value: Any) -> Any:
        lines = [one_line(line) for line in super().clean(value).splitlines()]
        entries = list(dict.fromkeys(line for line in lines if line))
        if len(entries) > self.most or any(len(entry) > self.longest for entry in entries):
            raise forms.ValidationError(f"Up to {self.most} lines of {self.longest} characters each.")
        return entries


class TextField(forms.CharField):
    def __init__(self, *, longest: int, rows: int = 1, **more: Any) -> None:
        attrs = {"rows": rows, "cols": 60}
        widget = forms.Textarea(attrs=attrs) if rows > 1 else forms.TextInput(attrs={"size": 60})
        super().__init__(required=False, max_length=longest, widget=widget, **more)

    def clean(self, value: Any) -> Any:
        text = printable(super().clean(value))
        return "\n".join(map(one_line, text.splitlines())).strip()


class ProfileForm(forms.Form):
    """What is empty is left open: then Wix's counts, or the installation's."""

    brand = TextField(longest=bounds.BRAND_MAX)
    sells = TextField(longest=bounds.SELLS_MAX, rows=3, label="What it sells")
    audience = TextField(longest=bounds.AUDIENCE_MAX, rows=2)
    voice = TextField(longest=bounds.VOICE_MAX, rows=5, help_text="a sample of how the shop writes")
    banned_words = LinesField(longest=bounds.TERM_MAX, most=bounds.TERMS_MAX)
    banned_claims = LinesField(longest=bounds.CLAIM_MAX, most=bounds.CLAIMS_MAX)
    competitors = LinesField(longest=bounds.TERM_MAX, most=bounds.TERMS_MAX)
    language = forms.CharField(
        required=False,
        max_length=languages.TAG_MAX,
        validators=[RegexValidator(languages.TAG, "This is not BCP 47, such as en or pt-BR.")],
    )
    tone = forms.ChoiceField(required=False, choices=[*_OPEN, *Tone.choices])
    length = forms.ChoiceField(required=False, choices=[*_OPEN, *Length.choices])
    categories = LinesField(longest=CATEGORY_MAX, most=CATEGORIES_MAX)
    time_zone = forms.CharField(required=False, max_length=64, help_text="an IANA time zone, such as Europe/Berlin")
    disclosure = TextField(longest=bounds.DISCLOSURE_MAX, rows=2, help_text="a line at the end of each article")
    quality_threshold = forms.IntegerField(
        required=False,
        min_value=0,
        max_value=100,
        help_text="0 to 100: an article with a lower score is held for a person",
    )
    version = forms.IntegerField(widget=forms.HiddenInput, min_value=0)

    def clean_time_zone(self) -> str:
        name: str = self.cleaned_data["time_zone"]
        if name and name not in available_timezones():
            raise forms.ValidationError("This is no IANA time zone, such as Europe/Berlin.")
        return name

    def told(self, known: dict[str, Any]) -> dict[str, Any]:
        """Return what is set from now on. What the shop has set to nothing stays so, as long as it is empty here too."""
        said = {name: self.cleaned_data[name] for name in NAMES}
        return {
            name: value
            for name, value in said.items()
            if value not in ("", [], None) or (value is not None and known.get(name) == value)
        }


def urls(desk: DeskAdmin) -> list[URLPattern]:
    def shown(request: HttpRequest, site_id: int) -> HttpResponse:
        return _shown(desk, request, get_object_or_404(Site, pk=site_id))

    def edit(request: HttpRequest, site_id: int) -> HttpResponse:
        return _edit(desk, request, get_object_or_404(Site, pk=site_id))

    view = desk.admin_site.admin_view
    return [
        path("<int:site_id>/profile/", view(shown), name="wix_site_profile"),
        path("<int:site_id>/profile/edit/", view(edit), name="wix_site_profile_edit"),
    ]


def _shown(desk: DeskAdmin, request: HttpRequest, site: Site) -> HttpResponse:
    if not desk.has_view_permission(request, site):
        raise PermissionDenied
    versions = list(SiteProfile.objects.filter(site=site).order_by("-version")[: VERSIONS_SHOWN + 1])
    settings, of_wix = in_effect(site, versions[0] if versions else None)
    context = {
        "title": f"Profile of {site}",
        "site_shown": site,
        "opts": desk.opts,
        "settings": [
            (_label(name), in_words(value), "Wix" if name in of_wix else "") for name, value in settings.items()
        ],
        "versions": _with_changes(versions)[:VERSIONS_SHOWN],
        "versions_left_out": len(versions) > VERSIONS_SHOWN,
        "reading": ProfileReading.objects.filter(pk=site.pk).first(),
        "may_edit": request.user.has_perm(PERMISSION) and not site.removed_at,
    }
    return render(request, "admin/wix/site/profile.html", {**desk.admin_site.each_context(request), **context})


def _with_changes(versions: list[SiteProfile]) -> list[tuple[SiteProfile, list[tuple[str, str, str]]]]:
    """Give each version with what it changed of the one before."""
    befores = [each.settings for each in versions[1:]] + [{}]
    return [(each, changes(before, each.settings)) for each, before in zip(versions, befores, strict=False)]


def changes(before: dict[str, Any], after: dict[str, Any]) -> list[tuple[str, str, str]]:
    """List what differs: the setting, what it was, and what it is."""
    return [
        (_label(name), in_words(before.get(name)), in_words(after.get(name)))
        for name in NAMES
        if before.get(name) != after.get(name)
    ]


def in_words(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(value) or "none"
    return "" if value is None else str(value) or "nothing"


def _label(name: str) -> str:
    return str(ProfileForm.base_fields[name].label or name.replace("_", " ").capitalize())


def _edit(desk: DeskAdmin, request: HttpRequest, site: Site) -> HttpResponse:
    """Show the form; then what would change, with the question why; then save it."""
    if not (request.user.has_perm(PERMISSION) and desk.has_view_permission(request, site)):
        raise PermissionDenied(f"You lack the right to edit shops' profiles ({PERMISSION}).")
    known = newest(site.pk)
    told, version = (known.told, known.version) if known else ({}, 0)
    form = ProfileForm(request.POST or None, initial={**told, "version": version})
    why = WhyForm(request.POST if "confirmed" in request.POST else None)
    context = {
        "title": f"Edit the profile of {site}",
        "site_shown": site,
        "opts": desk.opts,
        "form": form,
        "found": [(_label(name), in_words(value)) for name, value in (known.found if known else {}).items()],
    }
    if form.is_valid():
        if form.cleaned_data["version"] != version:
            form.add_error(None, "The profile was saved by someone else meanwhile. Nothing was changed; look again.")
        elif why.is_valid():
            return _save(desk, request, site, form, why.cleaned_data["reason"])
        else:
            context |= {"why": why, "changes": changes(told, form.told(told))}
    return render(request, "admin/wix/site/profile_edit.html", {**desk.admin_site.each_context(request), **context})


def _save(desk: DeskAdmin, request: HttpRequest, site: Site, form: ProfileForm, reason: str) -> HttpResponse:
    version, by = form.cleaned_data["version"], actor(request)
    before: dict[str, Any] = {}

    def change(known: SiteProfile | None) -> dict[str, Any]:
        if (known.version if known else 0) != version:
            raise saving.ChangedMeanwhile
        before.update(known.told if known else {})
        return form.told(before)

    try:
        with transaction.atomic():
            saved = saving.tell(site, change, by=by.by, reason=reason)
            after = saved.told if saved else {}
            if after != before:
                names = [name for name in NAMES if before.get(name) != after.get(name)]
                was, now = ({name: each.get(name) for name in names} for each in (before, after))
                audit.record(by, "edit_profile", site, before=was, after=now, reason=reason)
    except saving.ChangedMeanwhile:
        told = ("The profile was saved by someone else meanwhile. Nothing was changed.", messages.ERROR)
    except saving.TooManySaves:
        told = (f"It was saved {saving.SAVES_A_DAY} times within a day; try tomorrow.", messages.ERROR)
    else:
        told = (
            (f"Saved. Blogs that are asked for from now on are written by version {saved.version}.", messages.SUCCESS)
            if saved and after != before
            else ("It was so already; nothing was changed.", messages.WARNING)
        )
    desk.message_user(request, *told)
    return HttpResponseRedirect(reverse("admin:wix_site_profile", args=[site.pk]))

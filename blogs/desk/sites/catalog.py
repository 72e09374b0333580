"""A shop's catalog on the support desk: what we have of it, and the action that has it read again."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from blogs import audit
from blogs.desk.base import AT_ONCE, DeskAdmin, actor, way_back
from wix import catalog
from wix.models import Catalogue, Site


def context(site: Site) -> dict[str, Any]:
    """Describe the catalog for the site's page."""
    return {"catalog": Catalogue.objects.filter(pk=site.instance_id).first()}


@admin.action(description="Read the catalogue again, with the next blog that needs it", permissions=["change"])
def read_anew(desk: DeskAdmin, request: HttpRequest, queryset: QuerySet[Site]) -> HttpResponse:
    sites = queryset.order_by("pk")[:AT_ONCE]
    marked = [site for site in sites if catalog.refresh(site.instance_id)]
    for site in marked:
        audit.record(actor(request), "read_catalog_again", site)
    unmarked = len(sites) - len(marked)
    parts = [f"{len(marked)} will be read again, five minutes after the last time at the earliest."]
    if unmarked:
        parts.append(f"{unmarked} will be anyway: never read so far, or asked for already.")
    desk.message_user(request, " ".join(parts))
    return HttpResponseRedirect(way_back(request, "admin:wix_site_change"))

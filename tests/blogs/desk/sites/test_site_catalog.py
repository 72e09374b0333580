from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from tests.support.blogs.desk_pages import act, site_page, visible
from tests.support.factories import site
from wix.models import Catalogue

pytestmark = pytest.mark.django_db

SITES = "admin:wix_site_changelist"


def test_a_sites_page_says_what_we_have_of_its_catalog(desk: Client) -> None:
    shop, other = site(), site()
    read_at = timezone.now() - timedelta(hours=1)
    Catalogue.objects.create(pk=shop.instance_id, version="V3_CATALOG", products=1_234, read_at=read_at)

    shown = visible(site_page(desk, shop.pk))

    assert f"1234 visible products, V3_CATALOG, read {read_at:%Y-%m-%d %H:%M}" in shown
    assert "changed since" not in shown
    assert "It has not been read" in visible(site_page(desk, other.pk))
    said = act(desk, "read_anew", shop.pk, other.pk, url_name=SITES)
    assert said.startswith("1 will be read again, ")
    assert "1 will be anyway" in said
    assert "changed since" in visible(site_page(desk, shop.pk))

"""Requests that arrive in the same moment, on real connections."""

from __future__ import annotations

from typing import Any

import pytest

from blogs.models import BlogGeneration, SiteLine
from blogs.operations import proof
from credits.models import Credit, CreditAccount
from tests.support import factories
from tests.support.threads import at_once
from wix.models import Site

pytestmark = pytest.mark.django_db(transaction=True)


def test_two_requests_for_the_last_25_credits_are_one_blog_and_one_refusal(api: Any) -> None:
    site = factories.site(credits=25)

    answers = at_once(api(site).post, api(site).post)

    assert sorted(answer.status_code for answer in answers) == [201, 402]
    account = CreditAccount.objects.get(site=site)
    assert (account.held, account.available) == (25, 0)
    assert BlogGeneration.objects.count() == Credit.objects.filter(kind="hold").count() == 1
    assert proof.discrepancies() == []


def test_50_requests_for_30_blogs_worth_of_credits_are_30_blogs(api: Any) -> None:
    site = factories.site(credits=30 * 25)

    answers = at_once(*[api(site).post] * 50)

    codes = [answer.status_code for answer in answers]
    assert (codes.count(201), codes.count(402)) == (30, 20)
    assert SiteLine.objects.get(site=site).waiting == BlogGeneration.objects.filter(ready=True).count() == 30
    assert proof.discrepancies() == []


def test_the_first_requests_of_a_new_site_make_one_site(api: Any) -> None:
    unknown = factories.SiteFactory.build()

    answers = at_once(*[api(unknown).post] * 8)

    assert sorted(answer.status_code for answer in answers) == [201] * 2 + [402] * 6  # of 50 credits
    assert Site.objects.count() == 1
    assert CreditAccount.objects.count() == 1

from __future__ import annotations

from blogs.article.ricos import has_marker
from blogs.models import Article, Status
from blogs.operations import proof
from blogs.stages.marker import marker_of
from credits.models import CreditAccount
from tests.sandbox import Sandbox
from tests.support import factories
from tests.support.blogs.pipeline import Attempt
from wix.models import Site


def test_a_keyword_becomes_a_draft_post_that_is_charged_once(sandbox: Sandbox, shop: Site, attempt: Attempt) -> None:
    pending = factories.pending_generation(shop, source_id="how to choose a wool scarf")

    done = attempt()

    assert done.status == Status.DONE, (done.error_code, done.error_message)
    (draft,) = sandbox.drafts(str(shop.instance_id))
    assert draft["id"] == str(done.draft_post_id)
    assert draft["status"] == "UNPUBLISHED"
    assert has_marker(draft["richContent"], marker_of(pending.pk))
    assert draft["media"]["wixMedia"]["image"]["id"]
    assert Article.objects.get(pk=done.pk).title == draft["title"]
    account = CreditAccount.objects.get(site=shop)
    assert (account.balance, account.held) == (975, 0)
    assert proof.discrepancies() == []
    assert sandbox.stats()["violations"] == 0

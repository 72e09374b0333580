from __future__ import annotations

import time
from typing import Any

import pytest
import requests

from tests.sandbox import Sandbox
from tests.support.sandbox_calls import INSTANCE, WixSite


def ready_media(site: WixSite) -> str:
    body = {"url": "https://images.example/a.png", "displayName": "a.png", "mediaType": "IMAGE"}
    file_id = str(site.call("POST", "/site-media/v1/files/import", body).json()["file"]["id"])
    assert site.settled(file_id)["operationStatus"] == "READY"
    return file_id


class TestDrafts:
    def test_a_draft_keeps_its_cover_only_if_displayed_and_custom(self, sandbox: Sandbox, wix_site: WixSite) -> None:
        image = {"wixMedia": {"image": {"id": ready_media(wix_site)}}, "altText": "Linen"}
        member_id = wix_site.member()

        shown = wix_site.create_draft(memberId=member_id, media=image | {"displayed": True, "custom": True}).json()
        dropped = wix_site.create_draft(memberId=member_id, media=image | {"displayed": True}).json()

        assert shown["draftPost"]["media"]["wixMedia"] == image["wixMedia"]
        assert dropped["draftPost"]["media"] == {"displayed": False}
        assert [draft["title"] for draft in sandbox.drafts(INSTANCE)] == ["On linen", "On linen"]

    def test_it_is_unpublished_until_published(self, wix_site: WixSite) -> None:
        draft = wix_site.create_draft(seoSlug="on-linen").json()["draftPost"]
        before = wix_site.call("GET", f"/blog/v3/posts/{draft['id']}")

        published = wix_site.call("POST", f"/blog/v3/draft-posts/{draft['id']}/publish").json()
        post = wix_site.call("GET", f"/blog/v3/posts/{published['postId']}", params={"fieldsets": "URL"}).json()["post"]

        assert (draft["status"], before.status_code) == ("UNPUBLISHED", 404)
        assert draft["url"] == post["url"] == {"base": "https://nordlicht.example", "path": "/post/on-linen"}
        assert wix_site.call("GET", f"/blog/v3/draft-posts/{draft['id']}").json()["draftPost"]["status"] == "PUBLISHED"

    def test_it_is_found_by_title_and_date_until_deleted(self, wix_site: WixSite) -> None:
        draft = wix_site.create_draft().json()["draftPost"]

        def found(title: str, since: str) -> list[str]:
            condition = {"title": title, "editedDate": {"$gte": since}}
            query = {"filter": condition, "sort": [{"fieldName": "editedDate", "order": "DESC"}]}
            answer = wix_site.call("POST", "/blog/v3/draft-posts/query", {"query": query})
            return [post["id"] for post in answer.json()["draftPosts"]]

        assert found("On linen", "2026-01-01T00:00:00+00:00") == [draft["id"]]
        assert found("On linen", "2999-01-01T00:00:00Z") == []
        assert found("On wool", "2026-01-01T00:00:00Z") == []
        assert wix_site.call("DELETE", f"/blog/v3/draft-posts/{draft['id']}").json() == {}
        assert found("On linen", "2026-01-01T00:00:00Z") == []
        assert wix_site.call("GET", f"/blog/v3/draft-posts/{draft['id']}").status_code == 404

    def test_members_cannot_be_filtered_by(self, wix_site: WixSite) -> None:
        body = {"query": {"filter": {"memberId": "x"}}}

        assert wix_site.call("POST", "/blog/v3/draft-posts/query", body).status_code == 400

    def test_drafts_belong_to_their_site(self, sandbox: Sandbox, wix_site: WixSite) -> None:
        draft_id = wix_site.create_draft().json()["draftPost"]["id"]
        sandbox.add_shop("22222222-2222-4333-8444-555555555555")
        other = WixSite(sandbox, "22222222-2222-4333-8444-555555555555")

        assert other.call("GET", f"/blog/v3/draft-posts/{draft_id}").status_code == 404
        assert sandbox.drafts("22222222-2222-4333-8444-555555555555") == []

    @pytest.mark.parametrize(
        ("fields", "complaint"),
        [
            ({"title": ""}, "draftPost.title"),
            ({"title": "x" * 201}, "draftPost.title"),
            ({"excerpt": "x" * 501}, "draftPost.excerpt"),
            ({"excerpt": None}, "draftPost.excerpt"),
            ({"slug": "x"}, "unknown fields"),
            ({"memberId": "unknown"}, "do not exist"),
            ({"richContent": {"nodes": [], "metadata": {"x": "y" * 410_000}}}, "400 KB"),
            ({"media": {"wixMedia": {"image": {"id": "a_b~mv2.jpg"}}}}, "does not exist"),
            ({"seoData": {"tags": [{"type": "title", "children": "x", "custom": True}]}}, "must not be custom"),
        ],
    )
    def test_what_wix_would_not_take_is_refused(
        self, sandbox: Sandbox, wix_site: WixSite, fields: dict[str, Any], complaint: str
    ) -> None:
        answer = wix_site.create_draft(**fields)

        assert answer.status_code == 400
        assert complaint in answer.json()["message"]
        assert sandbox.stats()["wix"]["drafts"] == 0

    def test_a_post_without_an_owner_is_refused(self, wix_site: WixSite) -> None:
        answer = wix_site.call("POST", "/blog/v3/draft-posts", {"draftPost": {"title": "On linen"}})

        assert answer.status_code == 400
        assert answer.json()["message"] == "Missing post owner information"


class TestAmbiguity:
    def test_a_create_without_an_answer_may_have_made_a_draft(self, sandbox: Sandbox, wix_site: WixSite) -> None:
        member_id = wix_site.member()
        sandbox.fault("wix", "after_success", "draft_create", seconds=0.01)

        with pytest.raises(requests.ConnectionError):
            wix_site.create_draft(memberId=member_id)

        assert sandbox.stats()["wix"]["drafts"] == 1

    def test_a_500_after_success_has_made_one_too(self, sandbox: Sandbox, wix_site: WixSite) -> None:
        member_id = wix_site.member()
        sandbox.fault("wix", "500_after_success", "draft_create")

        assert wix_site.create_draft(memberId=member_id).status_code == 500
        assert sandbox.stats()["wix"]["drafts"] == 1

    def test_a_500_and_a_reset_have_made_none(self, sandbox: Sandbox, wix_site: WixSite) -> None:
        member_id = wix_site.member()
        sandbox.fault("wix", "500", "draft_create")
        sandbox.fault("wix", "reset", "draft_create")

        answer = wix_site.create_draft(memberId=member_id)
        with pytest.raises(requests.ConnectionError):
            wix_site.create_draft(memberId=member_id)

        assert answer.json() == {"message": "", "details": {}}
        assert sandbox.stats()["wix"]["drafts"] == 0

    def test_a_client_that_hangs_up_early_does_not_stop_the_create(self) -> None:
        # A draft takes 25 s / 50 here; the client gives up long before.
        with Sandbox(speed=50) as sandbox:
            sandbox.add_shop(INSTANCE)
            site = WixSite(sandbox)
            draft = {"draftPost": {"title": "On linen", "memberId": site.member()}}
            with pytest.raises(requests.Timeout):
                requests.post(
                    f"{site.url}/blog/v3/draft-posts", json=draft, headers={"Authorization": site.token}, timeout=0.1
                )

            until = time.monotonic() + 5
            while not sandbox.drafts():
                assert time.monotonic() < until

"""The requests that we send to Wix, before the operations and the types in Wix's own packages."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings

from blogs import pipeline, queue, sweep
from blogs.models import BlogGeneration, Status
from tests.sandbox.faults import OPERATIONS
from tests.sandbox.wix import Wix
from tests.sandbox.world import World
from tests.support import factories
from tests.support.blogs.pipeline import end_delays
from tests.support.sandbox_fixtures import PRODUCTS
from tests.wix.judge.judging import Judge
from wix.client import app_instance, http

# In Wix's docs, not in its packages: by method and path, the body's fields and their types. The packages know
# `query-platformized`, whose `filter` is an object, and collections by their slug.
V1_QUERY = {
    "query": {"filter": str, "sort": str, "paging": {"limit": int, "offset": int}},
    "includeVariants": bool,
    "includeHiddenProducts": bool,
}
DOCUMENTED: dict[tuple[str, str], Any] = {
    ("POST", "/stores-reader/v1/products/query"): V1_QUERY,
    ("POST", "/stores/v1/products/query"): V1_QUERY,
    ("GET", "/stores-reader/v1/collections/{id}"): type(None),
    ("GET", "/site-properties/v4/properties"): type(None),
    ("PUT", "/upload/{token}"): type(None),  # an address that Wix makes up
}
COLLECTION = "11111111-0000-4000-8000-000000000000"
# What the SDK sends by hand: see `token_requests`.
TOKENS = {("POST", "/oauth2/token"), ("POST", "/oauth2/token-info")}


def test_the_sandbox_has_no_address_that_wix_does_not_have(judge: Judge) -> None:
    routes = [(method, path.removeprefix("/wix")) for method, path, _, _ in Wix(World()).routes()]
    others = set(DOCUMENTED) | TOKENS
    asked = [(method, path) for method, path in routes if (method, path) not in others]

    named = judge.operations([{"method": method, "target": re.sub("{.*?}", "x1", path)} for method, path in asked])

    assert len(asked) > 10
    assert [route for route, name in zip(asked, named, strict=True) if not name] == []


def test_requests_for_tokens_are_those_of_the_sdk(judge: Judge, sandbox: Any, shop: Any) -> None:
    app_instance.app_instance(str(shop.instance_id), seconds=5)

    sent, _ = judge.token_requests(settings.WIX_APP_ID, "…", str(shop.instance_id))

    (ours,) = sandbox.requests("wix", "token")
    assert {"method": ours["method"], "path": ours["path"].removeprefix("/wix"), "body": ours["body"]} == sent


def test_requests_of_real_blogs_are_operations_of_wix_with_fields_that_they_have(
    judge: Judge, sandbox: Any, settings: Any
) -> None:
    settings.WIX_MEDIA_STUCK_SECONDS = 2
    record_real_blogs(sandbox, settings)

    sent = sandbox.requests("wix")
    recorded = [as_wix_sees(request) for request in sent]
    # Whether a dashboard's token is good, and what a shop's profile begins with, is asked for no blog.
    assert {request["operation"] for request in sent} >= OPERATIONS["wix"] - {"token_info", "site_properties"}
    documented = [(request, fields) for request in recorded if (fields := documented_fields(request))]
    rest = [request for request in recorded if not documented_fields(request) and route(request) not in TOKENS]
    judged = judge.requests(rest)

    assert documented
    for request, fields in documented:
        check_fields(request["body"], fields)
    wrong = [
        (request, verdict)
        for request, verdict in zip(rest, judged, strict=True)
        if verdict["problems"] or not verdict["operation"]
    ]
    assert wrong == []
    assert {verdict["operation"] for verdict in judged} >= {
        "app-management_app-instances getAppInstance",
        "blog_categories createCategory",
        "blog_categories listCategories",
        "blog_tags createTag",
        "blog_tags queryTags",
        "blog_draft-posts updateDraftPost",
        "media_files generateFileUploadUrl",
        "media_files searchFiles",
        "members_members listMembers",
        "blog_draft-posts createDraftPost",
        "blog_draft-posts deleteDraftPost",
        "blog_draft-posts publishDraftPost",
        "blog_draft-posts queryDraftPosts",
        "media_files getFileDescriptor",
        "media_files importFile",
        "members_members createMember",
        "stores_catalog-versioning getCatalogVersion",
        "stores_products-v-3 queryProducts",
    }


def test_the_judge_does_not_take_everything(judge: Judge) -> None:
    create: dict[str, Any] = {"method": "POST", "target": "/blog/v3/draft-posts"}
    requests: list[dict[str, Any]] = [
        create | {"body": {"draftPost": {"title": "T", "slug": "t"}}},
        create | {"body": {"draftPost": {"title": 5}}},
        create | {"body": {"draftPost": {"title": "T"}, "fieldsets": ["EVERYTHING"]}},
        create | {"body": {}},
        {"method": "PUT", "target": "/blog/v3/draft-posts"},
        {"method": "GET", "target": "/blog/v4/draft-posts"},
        {"method": "GET", "target": "/members/v1/members?paging.limit=many"},
        create | {"body": {"draftPost": {"title": "T", "editedDate": "2026-01-01T00:00:00Z"}}},
    ]

    verdicts = [bool(found["operation"]) and not found["problems"] for found in judge.requests(requests)]

    assert verdicts == [False] * 7 + [True]


def record_real_blogs(sandbox: Any, settings: Any) -> None:
    """So that each operation that our code knows is asked for, each with all that we ever send."""
    photographed = [
        {**product, "imageUrl": f"https://static.wixstatic.com/media/a_{product['id']}~mv2.jpg"} for product in PRODUCTS
    ]
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    for version in ("V3_CATALOG", "V1_CATALOG"):
        site = factories.site(name=version)
        more = {"products": photographed, "collections": {COLLECTION: "Winter"}, "catalog_version": version}
        sandbox.add_shop(str(site.instance_id), version, **more)
        factories.pending_generation(site, source_type="product", source_id=PRODUCTS[0]["id"], cover="product")
        factories.pending_generation(
            site, source_type="collection", source_id=COLLECTION, publish=True, publish_at=tomorrow
        )
    factories.pending_generation(site, source_id="wool", publish=True, categories=["News"])
    sandbox.fault("wix", "media_failed", "media_import")
    sandbox.fault("wix", "after_success", "media_import", seconds=0.01)
    where_no_member_may_be_made(sandbox)
    run_all()
    sweep_away_a_draft(sandbox, site, settings)


def where_no_member_may_be_made(sandbox: Any) -> None:
    site = factories.site(name="Strict shop")
    instance_id = str(site.instance_id)
    sandbox.add_shop(instance_id, "Strict shop", catalog_version="STORES_NOT_INSTALLED")
    body = {"member": {"loginEmail": "customer@mail.example"}}
    http.request(instance_id, "POST", "/members/v1/members", operation="member_create", seconds=5, body=body)
    sandbox.fault("wix", "403", "member_create", match=instance_id)
    factories.pending_generation(site)


def run_all() -> None:
    for _ in range(2):
        end_delays()
        for claimed in queue.claim(factories.WorkerFactory.create(), 10):
            pipeline.execute(claimed)
    assert set(BlogGeneration.objects.values_list("status", flat=True)) == {Status.DONE}


def sweep_away_a_draft(sandbox: Any, shop: Any, settings: Any) -> None:
    """Of a blog whose create timed out after succeeding, and which then failed."""
    settings.STAGE_DEADLINE_SECONDS = {**settings.STAGE_DEADLINE_SECONDS, "draft": 0.3}
    settings.BLOG_MAX_DEFERRAL_SECONDS = -1
    sandbox.fault("wix", "after_success", "draft_create", seconds=3)
    blog = factories.pending_generation(shop)
    (claimed,) = queue.claim(factories.WorkerFactory.create(), 1)
    pipeline.execute(claimed)
    failed = BlogGeneration.objects.get(pk=blog.pk, status=Status.FAILED)
    BlogGeneration.objects.filter(pk=blog.pk).update(draft_sweep_at=failed.finished_at)
    assert sweep.sweep_one()


def as_wix_sees(request: dict[str, Any]) -> dict[str, Any]:
    body = request["body"] if isinstance(request["body"], dict) else None
    return {"method": request["method"], "target": request["path"].removeprefix("/wix"), "body": body}


def route(request: dict[str, Any]) -> tuple[str, str]:
    return request["method"], urlsplit(request["target"]).path


def documented_fields(request: dict[str, Any]) -> Any:
    method, path = route(request)
    for (documented, template), fields in DOCUMENTED.items():
        if method == documented and re.fullmatch(re.sub("{.*?}", "[^/]+", template), path):
            return fields
    return None


def check_fields(body: Any, fields: Any) -> None:
    if not isinstance(fields, dict):
        assert type(body) is fields
        return
    assert body.keys() <= fields.keys(), json.dumps(body)
    for name, value in body.items():
        check_fields(value, fields[name])

"""What docs/api.md says of failures: each code has its row, and each fault that it names for the demo does what it says."""

from __future__ import annotations

import json
import re

import pytest

from blogs.models import BlogGeneration, Status
from blogs.queue import failures
from tests.docs.pages import code, rows
from tests.sandbox import Sandbox
from tests.support import factories
from tests.support.blogs.pipeline import Attempt, warnings
from wix.models import Site

pytestmark = pytest.mark.django_db(transaction=True)

_ROWS = list(rows("docs/api.md", "A blog's errors"))
_FAULTS = {row[0]: [json.loads(fault) for fault in code(row[1])] for row in _ROWS if row[1].startswith("`{")}
_CODES = [row for row in _ROWS if row[0] not in _FAULTS]
_FAIL = {name for row in _CODES if row[2:3] == ["back"] for name in code(row[0])}


def test_the_page_for_integrators_names_each_code_that_the_desks_page_does() -> None:
    desk = {name for row in rows("docs/desk.md", "Error codes") for name in code(row[0])}

    assert {name for row in _CODES for name in code(row[0])} == desk


def test_the_codes_for_which_a_shop_may_be_refused_are_among_those_that_end_a_blog() -> None:
    assert set(failures.OF_THE_SHOP) <= _FAIL


def _asked(blog: BlogGeneration, attempt: Attempt) -> tuple[BlogGeneration, int]:
    attempts = 0
    while not blog.is_finished:
        blog, attempts = attempt(), attempts + 1
    return blog, attempts


@pytest.mark.parametrize("wanted", _FAULTS)
def test_a_fault_of_the_demo_does_what_the_page_says(
    wanted: str, sandbox: Sandbox, shop: Site, attempt: Attempt
) -> None:
    for fault in _FAULTS[wanted]:
        sandbox.fault(**fault)
    if all("match" in fault for fault in _FAULTS[wanted]):
        factories.pending_generation(shop, source_id="espresso")
        assert attempt().status == Status.DONE

    wants_publishing = "`publish`" in wanted
    blog, attempts = _asked(factories.pending_generation(shop, source_id="decaf", publish=wants_publishing), attempt)

    assert blog.status == re.findall("FAILED|DONE", wanted)[-1]
    told = {blog.error_code} if blog.status == Status.FAILED else set(warnings(blog))
    assert told >= {name for name in code(wanted) if "_" in name}
    assert (attempts > 1) == ("again" in wanted or "content_invalid" in wanted)
    if "repaired" in wanted:
        quality = blog.outputs.get(stage="article").output["quality"]
        assert "repaired" in {finding["done"] for finding in quality["findings"]}
    if wants_publishing:
        assert not blog.post_url


def test_a_product_that_is_not_there_fails_its_blog(sandbox: Sandbox, shop: Site, attempt: Attempt) -> None:
    blog, _ = _asked(factories.pending_generation(shop, source_type="product", source_id="none"), attempt)

    assert (blog.status, blog.error_code) == (Status.FAILED, "source_not_found")

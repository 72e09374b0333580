from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from blogs.audit import Actor
from blogs.batches import refunds
from blogs.desk.blogs.page import CALLS_SHOWN
from blogs.models import Article, BlogGeneration, GenerationEvent, Stage, StageOutput
from tests.support.blogs.desk_pages import BLOGS, blog_page, text_of, visible
from tests.support.blogs.desk_rows import written_generation
from tests.support.factories import failed_generation, processing_generation, site
from workers.limits import provider_calls
from workers.limits.provider_calls import Usage
from workers.models import ProviderCall, WorkerProcess

pytestmark = pytest.mark.django_db

SCRIPT = "<script>alert(1)</script>"


def test_a_blogs_page_tells_its_whole_story(desk: Client) -> None:
    page = visible(blog_page(desk, written_generation(product_name="Enamel mug").pk))

    for expected in (
        "wool scarves",
        "submitted",
        "started",
        "done",
        "How to wash it",
        "Wear it twice.",
        "First rinse",
        "Merino",
        "Enamel mug It lasts.",
        '"source_text": "wool"',
        "hold 25",
        "capture 25 -25",
        "Open the draft at Wix",
    ):
        assert expected in page


def _with_report(generation: BlogGeneration, *findings: dict[str, str], **report: Any) -> None:
    whole = {"version": 2, "score": 75, "held": True, "critic": "asked", "findings": list(findings), **report}
    article = StageOutput.objects.get(generation=generation, stage=Stage.ARTICLE)
    StageOutput.objects.filter(pk=article.pk).update(output={**article.output, "quality": whole})


def _found(quote: str, *, check: str = "price", done: str = "") -> dict[str, str]:
    return {"check": check, "level": "error", "place": "section 1, paragraph 1", "quote": quote, "done": done}


def test_a_report_is_shown_and_its_words_are_marked_in_the_text(desk: Client) -> None:
    """The words begin in one run and end in the next."""
    generation = written_generation()
    BlogGeneration.objects.filter(pk=generation.pk).update(needs_review=True)
    _with_report(generation, _found("twice.boldly"), _found("First rinse", check="claim", done="repaired"))

    page = blog_page(desk, generation.pk)

    shown = visible(page)
    assert "Quality: 75 of 100, held for a person" in shown
    assert "A critic has read it." in shown
    assert "price error section 1, paragraph 1 twice.boldly nothing: it stands" in shown
    assert "claim error section 1, paragraph 1 First rinse repaired" in shown
    marked = re.findall(r'<mark title="([^"]*)">(.*?)</mark>', page, re.DOTALL)
    assert [(said, visible(words)) for said, words in marked] == [("price", "twice."), ("price", "boldly")]


def test_a_mark_stands_where_its_words_do_in_a_text_with_sharp_s(desk: Client) -> None:
    generation = written_generation(text="Außen groß und weiß: nur heute.")
    _with_report(generation, _found("Nur heute"))

    (words,) = re.findall(r'<mark title="price">(.*?)</mark>', blog_page(desk, generation.pk), re.DOTALL)
    assert visible(words) == "nur heute"


def test_a_report_of_odd_words_becomes_no_html(desk: Client) -> None:
    generation = written_generation(text=SCRIPT)
    _with_report(generation, _found(SCRIPT, check=SCRIPT), _found("", check=SCRIPT), _found("İ" * 9))

    page = blog_page(desk, generation.pk)

    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page


def test_an_article_without_a_report_has_none(desk: Client) -> None:
    assert "Quality:" not in visible(blog_page(desk, written_generation().pk))


def test_a_failed_blogs_page_says_why(desk: Client) -> None:
    page = visible(blog_page(desk, failed_generation(code="content_refused").pk))

    assert "content_refused: It was refused." in page
    assert "release 25" in page
    assert "Not written yet." in page


def test_nothing_from_a_shop_or_a_model_becomes_html(desk: Client) -> None:
    generation = written_generation(site(name=SCRIPT), text=SCRIPT, product_name=SCRIPT)
    BlogGeneration.objects.filter(pk=generation.pk).update(source_id=SCRIPT)
    GenerationEvent.objects.filter(generation=generation).update(message=SCRIPT, by=SCRIPT)

    pages = blog_page(desk, generation.pk) + text_of(desk, reverse(BLOGS))

    assert SCRIPT not in pages
    assert pages.count("&lt;script&gt;alert(1)&lt;/script&gt;") > 8


def test_only_a_web_page_becomes_the_link_to_the_draft(desk: Client) -> None:
    generation = written_generation()
    BlogGeneration.objects.filter(pk=generation.pk).update(draft_post_url="javascript:alert(1)")

    assert "javascript:" not in blog_page(desk, generation.pk)


def with_output(generation: BlogGeneration, stage: Stage, **output: Any) -> None:
    StageOutput.objects.update_or_create(generation=generation, stage=stage, defaults={"output": output})


def with_product(generation: BlogGeneration, **fields: Any) -> None:
    with_output(generation, Stage.PRODUCTS, products=[{"id": "p1", "name": "Mug", "text": "", **fields}])


def test_products_lead_to_their_pages_and_show_their_photos(desk: Client) -> None:
    generation = written_generation()
    with_product(generation, url="https://shop.example/mug")
    photo = {"file_id": "a1_b2~mv2.jpg", "alt_text": "A blue mug"}
    with_output(generation, Stage.MEDIA, file_id="c3~mv2.png", alt_text="Wool & tea", photos={"p1": photo})

    page = blog_page(desk, generation.pk)

    assert page.count('<a href="https://shop.example/mug" target="_blank" rel="noopener noreferrer nofollow">') == 2
    assert '<img src="https://static.wixstatic.com/media/a1_b2~mv2.jpg" alt="A blue mug"' in page
    assert 'src="https://static.wixstatic.com/media/c3~mv2.png" alt="Wool &amp; tea"' in page


@pytest.mark.parametrize(
    "address",
    ["javascript:alert(1)", "data:text/html,x", "//evil.example", "JaVaScRiPt:alert(1)", " https://x", None, ""],
)
def test_only_web_pages_become_links_of_the_article(desk: Client, address: str | None) -> None:
    generation = written_generation()
    with_product(generation, url=address)

    page = blog_page(desk, generation.pk)

    assert "nofollow" not in page
    assert 'href="javascript' not in page.lower()


@pytest.mark.parametrize("file_id", ["https://evil.example/x.png", '"><script>alert(1)</script>', "../../x", 7, None])
def test_a_picture_comes_from_wixs_media_host_or_from_nowhere(desk: Client, file_id: Any) -> None:
    generation = written_generation()
    with_output(generation, Stage.MEDIA, file_id=file_id, alt_text=SCRIPT, photos={})

    page = blog_page(desk, generation.pk)

    # Up to the stages' outputs, which are text.
    sources = re.findall(r'<img[^>]* src="([^"]*)"', page.partition('id="outputs"')[0].partition('id="timeline"')[2])
    assert all(re.fullmatch(r"https://static\.wixstatic\.com/media/[\w.~%-]+", source) for source in sources)
    assert len(sources) == isinstance(file_id, str)
    assert SCRIPT not in page


def test_odd_letters_stay_letters(desk: Client) -> None:
    odd = "a\u202egnp.exe \u0000b\u200b \U0001f9e3 \u05e9\u05dc\u05d5\u05dd <b>x</b>".replace("\u0000", "")
    generation = written_generation(text=odd)
    BlogGeneration.objects.filter(pk=generation.pk).update(source_id=odd[:100])

    page = blog_page(desk, generation.pk)

    assert "<b>x</b>" not in page
    assert "<bdi><b>a\u202egnp.exe" in page  # the direction ends with its element
    assert '<p dir="auto">' in page


def test_the_snippet_is_cut_as_a_search_engine_does_it_and_says_lengths(desk: Client) -> None:
    generation = written_generation(site(url="https://www.wool.example/shop"))
    article = Article.objects.get(pk=generation.pk)
    article.content |= {"meta_title": "Wash wool " * 9, "meta_description": "", "excerpt": "Cold.", "slug": "wash-wool"}
    article.save()

    page = visible(blog_page(desk, generation.pk))

    assert (
        "www.wool.example › post › wash-wool Wash wool Wash wool Wash wool Wash wool Wash wool Wash wool … Cold."
        in page
    )
    assert "Title: 90 characters, more than 70 · Description: none" in page


def test_an_article_of_an_older_schema_opens(desk: Client) -> None:
    generation = written_generation()
    Article.objects.filter(pk=generation.pk).update(content={"blocks": [{"type": "from_before"}]})

    assert "Description: none" in visible(blog_page(desk, generation.pk))


def test_secrets_and_mail_addresses_of_outputs_are_masked(desk: Client) -> None:
    generation = written_generation()
    with_output(generation, Stage.DRAFT, token="s3cr3t", note="ask ada@shop.example", max_tokens=900)

    page = blog_page(desk, generation.pk)

    assert "s3cr3t" not in page
    assert "ada@shop.example" not in page
    assert "900" in page


def test_a_refund_is_offered_once(desk: Client) -> None:
    generation = written_generation()
    assert 'value="refund"' in blog_page(desk, generation.pk)

    refunds.refund(generation.pk, Actor("ada"), "a wrong language")

    assert 'value="refund"' not in blog_page(desk, generation.pk)


def called(generation: BlogGeneration, request_id: str, **fields: Any) -> ProviderCall:
    usage = Usage("article:short", "de", 2_100, 600, prompt_tokens=500, output_tokens=350)
    kept = provider_calls.row(
        "openai", "blog_article", "ok", 4.0, request_id=request_id, tokens_reserved=1_300, usage=usage
    )
    del kept["works"]
    return ProviderCall(**{**kept, "work": generation.pk, **fields})


def test_a_blogs_page_shows_its_calls_and_what_they_took_in_all(desk: Client) -> None:
    generation = written_generation()
    missing = {"outcome": "content_truncated", "prompt_tokens": None, "output_tokens": None}
    ProviderCall.objects.bulk_create(
        [
            called(generation, "req_1", **missing),
            called(generation, "req_2"),
            called(generation, SCRIPT, provider="replicate", images=1, tokens_reserved=0),
            called(failed_generation(), "req_of_another"),
        ]
    )

    html = blog_page(desk, generation.pk)
    page = visible(html)

    assert "openai blog_article de content_truncated 4.0 1300 600 req_1" in page
    assert "openai blog_article de ok 4.0 1300 500 350 600 unknown req_2" in page
    assert "In all 12.0 2600 1000 700 1 unknown, 2 calls without a price" in page
    assert "req_of_another" not in page
    assert SCRIPT not in html


def test_of_many_calls_the_last_are_shown_and_all_are_summed(desk: Client) -> None:
    generation = written_generation()
    ProviderCall.objects.bulk_create(called(generation, f"req_{n}.") for n in range(CALLS_SHOWN + 1))

    page = visible(blog_page(desk, generation.pk))

    assert "The last 200 calls; the sums are of all 201." in page
    assert "req_0." not in page
    assert "req_200." in page


def test_a_blog_whose_worker_is_gone_still_opens(desk: Client) -> None:
    generation = processing_generation()
    WorkerProcess.objects.all().delete()

    assert "PROCESSING" in blog_page(desk, generation.pk)


def test_a_blogs_page_takes_as_many_queries_however_much_there_is_to_show(
    desk: Client, django_assert_max_num_queries: object
) -> None:
    generation = written_generation()
    events = [GenerationEvent(generation=generation, kind="deferred") for _ in range(150)]

    for batch in (events[:5], events[5:]):
        GenerationEvent.objects.bulk_create(batch)
        with django_assert_max_num_queries(15):  # type: ignore[operator]
            blog_page(desk, generation.pk)


def test_a_blog_can_be_neither_edited_nor_added_nor_deleted(desk: Client) -> None:
    generation = failed_generation()
    page = f"/admin/blogs/bloggeneration/{generation.pk}"

    assert desk.post(f"{page}/change/", {"status": "DONE", "source_id": "x"}).status_code == 403
    assert desk.post(f"{page}/delete/", {"post": "yes"}).status_code == 403
    assert desk.get("/admin/blogs/bloggeneration/add/").status_code == 403
    assert BlogGeneration.objects.get(pk=generation.pk).source_id == generation.source_id

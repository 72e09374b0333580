from __future__ import annotations

import pytest

from blogs.desk.find.typed import Typed, read

ID = "0f1e2d3c-0000-4000-8000-00000000abcd"


@pytest.mark.parametrize(
    ("raw", "typed"),
    [
        ("  wool   socks ", Typed("wool socks")),
        ("#123", Typed("#123", number=123)),
        ("# 123", Typed("# 123", number=123)),
        ("123", Typed("123", number=123)),
        (ID.upper(), Typed(ID.upper(), uuid=ID)),
        ("harbour.example", Typed("harbour.example", host="harbour.example")),
        ("www.Harbour-7.example", Typed("www.Harbour-7.example", host="www.harbour-7.example")),
        ("3.14", Typed("3.14")),
        (
            f"https://manage.wix.com/dashboard/{ID[:-1]}0/blog/{ID}/edit?x=1",
            Typed(f"https://manage.wix.com/dashboard/{ID[:-1]}0/blog/{ID}/edit?x=1", uuid=ID, host="manage.wix.com"),
        ),
        (
            "https://harbour.example/post/caf%C3%A9-mugs/?utm=1",
            Typed("https://harbour.example/post/caf%C3%A9-mugs/?utm=1", slug="café-mugs", host="harbour.example"),
        ),
        ("https://[", Typed("https://[")),
        ("\0", Typed("")),
    ],
)
def test_what_was_typed_is_told_by_its_form(raw: str, typed: Typed) -> None:
    assert read(raw) == typed


def test_ten_thousand_characters_are_cut() -> None:
    assert len(read("x" * 10_000).text) == 1_000

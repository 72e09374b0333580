from __future__ import annotations

import encodings.aliases
import time
import warnings

import pytest

from config.door import content_types


@pytest.mark.parametrize(
    "header",
    [
        "",
        "application/json",
        "application/json; charset=utf-8",
        'APPLICATION/JSON;CHARSET="UTF8"',
        "application/json; charset=us-ascii",
        "text/plain; charset=iso-8859-1",
        "text/plain; charset=windows-1251",
        "application/json; charset*=utf-8''utf-8",
        "multipart/form-data; boundary=x",
        ";",
        "nonsense",
    ],
)
def test_what_can_be_read_is_read(header: str) -> None:
    assert content_types.read(header) is not None


@pytest.mark.parametrize(
    "charset",
    [
        "hex",
        "HEX",
        "base64",
        "bz2",
        "zlib_codec",
        "zip",
        "quopri",
        "uu",
        "rot13",
        "undefined",
        "idna",
        "punycode",
        "unicode_escape",
        "raw-unicode-escape",
        "utf-7",
        "utf-16",
        "utf-32-be",
        "cp037",
        "mbcs",
        "nonsense",
        "",
        " ",
        "utf-8\u00ff",
        "../../etc/passwd",
        "a" * 900,
    ],
)
@pytest.mark.parametrize("form", ["charset={}", 'charset="{}"', "x=1; charset={}", "charset=utf-8; charset={}"])
def test_a_charset_that_no_text_of_ours_can_have_is_refused(charset: str, form: str) -> None:
    assert content_types.read(f"application/json; {form.format(charset)}") is None


@pytest.mark.parametrize(
    "header",
    [
        "application/json; charset*=hex''utf-8",
        "application/json; charset*=undefined''abc",
        "application/json; charset*=nonsense''utf-8",
        "application/json; charset*0=he; charset*1=x",
        "application/json; charset*=utf-8''hex; charset*0=b",
        "application/json; a*=nonsense''x",
        "application/json; a*" + "9" * 900 + "=x",
        "application/json; a=" + "b" * 1_000,
    ],
    ids=lambda header: header[:50],
)
def test_parameters_in_any_other_form_are_refused_and_raise_nothing(header: str) -> None:
    found = content_types.read(header)

    assert found is None or found[1].get("charset", "utf-8") == "utf-8"


def test_each_codec_that_python_has_is_taken_or_refused_without_a_word() -> None:
    taken = set()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for name in {*encodings.aliases.aliases, *encodings.aliases.aliases.values()}:
            if content_types.read(f"text/plain; charset={name}"):
                taken.add(encodings.aliases.aliases.get(name, name))

    assert {"utf_8", "ascii", "latin_1", "cp1252", "koi8_r", "gb18030", "euc_jp", "big5"} <= taken
    assert all("wool {}".format("a").encode().decode(name) == "wool a" for name in taken)


@pytest.mark.parametrize("accept", ["", "*/*", "application/json, text/html;q=0.9", "text/*;level=1"])
def test_an_accept_header_of_a_browser_can_be_read(accept: str) -> None:
    assert content_types.is_acceptable(accept)


@pytest.mark.parametrize("accept", ["application/json; a*=nonsense''x", "*/*, a/b; c*=x''y; c*0=z", "a/b," * 1_000])
def test_an_accept_header_that_would_raise_is_refused(accept: str) -> None:
    assert not content_types.is_acceptable(accept)


def test_no_header_takes_long() -> None:
    began = time.thread_time()
    for header in ("a/b;" + ";" * 60_000, "a/b;" + "a*0=b;" * 10_000, "a/b; charset=" + "a" * 60_000, '"' * 60_000):
        content_types.read(header)
        content_types.is_acceptable(header)

    assert time.thread_time() - began < 0.05

from __future__ import annotations

import subprocess
import sys

import pytest

from wix import languages


@pytest.mark.parametrize(
    ("written", "tag"),
    [
        ("pt_BR", "pt-BR"),
        ("EN", "en"),
        ("en_us", "en-US"),
        ("zh_Hant_TW", "zh-Hant-TW"),
        ("sr-latn-rs", "sr-Latn-RS"),
        ("es-419", "es-419"),
        ("deu", "de"),
        ("ger-at", "de-AT"),
        ("fil", "fil"),
        ("iw", "he"),
        ("", ""),
    ],
)
def test_a_tag_is_written_as_bcp_47_advises(written: str, tag: str) -> None:
    assert languages.normalised(written) == tag == languages.normalised(tag)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("tl", "fil", True),
        ("deu", "de", True),
        ("ger", "de-AT", True),
        ("zho", "zh-TW", True),
        ("cmn_Hans", "zh", True),
        ("chi", "cmn", True),
        ("fra", "fre", True),
        ("per", "fa", True),
        ("dut", "nl", True),
        ("ekk", "et", True),
        ("iw", "he", True),
        ("in", "id", True),
        ("ji", "yi", True),
        ("nob", "no", True),
        ("nn", "nor", True),
        ("nb", "nn", False),
        ("id", "ms", False),
        ("hr", "sr", False),
        ("yue", "zh-min", False),
        ("English", "en", False),
        ("", "en", False),
    ],
)
def test_codes_of_one_language_are_the_same(one: str, other: str, same: bool) -> None:
    assert languages.same(one, other) is languages.same(other, one) is same


def test_usual_tags_load_no_table() -> None:
    usual = "languages.same('pt_BR', 'pt'), languages.normalised('EN'), languages.normalised('zh_Hant_TW')"
    code = f"import sys; from wix import languages; {usual}; print('langcodes' in sys.modules)"

    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "False"

from __future__ import annotations

import time

import pytest

from blogs.article.quality.checks.form import problems
from blogs.article.quality.text.addresses import addresses
from tests.support.blogs.articles import article, good_blocks, paragraph

WRITTEN = [
    "evil.com", "EVIL.COM", "Evil.Com", "evil.co.uk", "evil.shop", "evil-deals.xyz", "x.com", "163.com", "müller.de",
    "bit.ly/x", "t.me/abc", "youtu.be/abc", "evil.page/x", "www.evil.example", "https://a.b", "ftp://a.b",
    "MAILTO:us", "me@x.example",
    "ｅｖｉｌ．ｃｏｍ", "𝐞𝐯𝐢𝐥.com", "ⓔⓥⓘⓛ.ⓒⓞⓜ", "evil。com", "evil[.]com", "evil (dot) com",
    "+49 30 1234567", "+442071838750", "+1 (212) 555-0199", "(212) 555-0199", "212.555.0199", "1-800-555-0199",
    "0800 123 4567", "030/1234567", "06 12 34 56 78", "１２３-４５６-７８９０", "tel: 12345678", "WhatsApp 5512345678",
    "٠١٧١ ١٢٣٤٥٦٧", "+۴۹ ۱۷۱ ۱۲۳۴۵۶۷", "+९१ ९८७६५ ४३२१०", "evil.photography", "evil.quest", "evil.xn--p1ai",
    "www.booking.com", "https://booking.com", "me@booking.com", "Booking.com/evil", "evil-booking.com", "booking.com-login.de",
    "booking.com.evil.de", "m.booking.com",
]  # fmt: skip
LOOKING_ALIKE = [
    "un étudiant.es et un client.es", "Dr.in Huber", "jede Leser.in", "logo.ai", "+10.000.000 de clients", "+20 000 000",
    "tel. 100 000", "Gr. 062/068 074/080", "0001 0002 0003",
    "ASP.NET/C# hosting", "asp.net core and VB.NET", "Node.js", "Vue.js/React", "St.Gallen/Zürich", "README.md", "main.py/setup.py",
    "photo.jpg", "1.299,00 €", "$1,299.00", "2024-05-01", "01/02/2024-03/04/2024", "12.05.2024 - 14.05.2024", "30 x 40 x 50",
    "ISBN 978-3-16-148410-0", "0-306-40615-2", "10-20-30 kg", "EN 1090-2:2018", "24/7", "version 5.2.1", "+5 °C to +30 °C",
    "1 000 000 000", "z.B. d.h. u.a. m.in.", "e.g. i.e. p.m. U.S.", "warm.It keeps", "cup.In winter", "Send @mug a note", "at 8:30",
    "Dr.med", "2.5 km/h", "and/or", "{{ product.page }}",
    "a theme has customer.email and product.id", "self.is_short", "S.A. de C.V.", "TP.HCM", "10.000/20.000", "+49", "a .com domain",
    "很多人喜欢这个品牌。中国的茶很有名。in 2024", "좋습니다.한국은 겨울이 춥다", "ул.белая",
    "01 02 03 04 05 06", "03/2024-05/2025", "call 2024-2025 a good season", "Will.i.am, Socket.IO and Paint.NET",
    "Booking.com and Hotels.com", "Amazon.com’s rules", "Booking.com-Bewertungen", "bol.com", "Mobile.de oder Otto.de", "٣٫٥ كجم",
]  # fmt: skip


@pytest.mark.parametrize("address", WRITTEN)
@pytest.mark.parametrize("around", ["{}", "More at {}.", "({})", "詳しくは{}へ"])
def test_an_address_is_found_however_it_is_written(address: str, around: str) -> None:
    text = around.format(address)

    assert list(addresses(text))
    assert any("address" in told for told in problems_with(text))


@pytest.mark.parametrize("address", ["пример.рф", "例え.中国", "예시.한국"])
def test_names_of_other_scripts_are_addresses_too(address: str) -> None:
    assert list(addresses(f"→ {address}, {address}.")) == [address, address]


@pytest.mark.parametrize("text", LOOKING_ALIKE)
def test_what_only_looks_like_one_is_let_through(text: str) -> None:
    assert list(addresses(text)) == []
    assert problems_with(text) == []


@pytest.mark.parametrize(
    ("text", "known"),
    [
        ("Cottages.com changed its rules", "What Cottages.com asks of hosts"),
        ("Visit https://www.wool.example/mugs", "Wool & Co https://wool.example"),
        ("Write to us@shop.example", "Questions: US@shop.example"),
        ("Call +49 (30) 123-4567", "Phone: +49 30 1234567"),
        ("Write https:// before it", "https or http"),
        ("More at shop.com", "Our shop: ｓｈｏｐ．ｃｏｍ"),
    ],
)
def test_what_stands_in_the_shops_own_texts_may_stand_in_its_article(text: str, known: str) -> None:
    assert problems_with(text) != []
    assert problems_with(text, about=known) == []
    assert problems_with(f"{text} or at evil.com", about=known) != []


def problems_with(text: str, *, about: str = "") -> list[str]:
    written = article([*good_blocks(), paragraph(text)])
    return problems(written, product_ids=(), language="en", about=about)


@pytest.mark.parametrize("unit", ["a.de ", "0", "012 ", "+1", "a.", "www.", "a@", "[.]", "{{a.de", "１", "a.de/"])
def test_no_text_takes_long_to_look_through(unit: str) -> None:
    text = unit * (64_000 // len(unit))
    began = time.thread_time()

    list(addresses(text, known=text[:100]))

    assert time.thread_time() - began < 1

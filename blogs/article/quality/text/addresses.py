"""Finds web addresses, e-mail addresses and phone numbers in an article: its prompt forbids them, and a stranger's may be a trap.

They are found however they are written: without "https", in full-width letters, with a dot in brackets. What only looks alike is
let through: ASP.NET, Node.js, "St.Gallen", a file's name, a price, a date, an ISBN. So are firms that everybody knows by their
address, such as Booking.com: an article about holiday flats may speak of them.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from itertools import chain

# Letters, digits and signs of other shapes: small, full-width, circled, bold. Each stands for an ordinary one.
_SHAPED = re.compile(
    "[\u2024\u2070-\u209c\u2100-\u214f\u2460-\u24ff\ufe50-\ufe6b\uff01-\uff5e\U0001d400-\U0001d7ff\U0001f100-\U0001f1e5]"
)
# Digits of other scripts: Arabic, Persian, Indian, Thai.
_DIGIT = re.compile(r"(?![0-9])\d")
_SPELLED_DOT = re.compile(r"\s?[\[({]\s?(?:\.|dot)\s?[\])}]\s?", re.IGNORECASE)

# Names that people register. Left out are those that end files' names (py, sh, md, rs) or are units (ml).
_COMMON = "com org net info biz shop store online site website xyz club app dev io co me tv ly gg gl cc ai link click top live"
_MORE = "blog page tech space fun pro vip icu buzz news media agency cloud email life world today"
_MORE += " academy bond boutique cfd deals monster photography quest restaurant sbs"
_COUNTRIES = (
    "de at ch li eu uk fr it es pt nl be lu dk se no fi is ie pl cz sk hu ro bg gr tr ru su ua by lt lv ee si hr ba us ca mx br ar "
    "cl pe ve uy au nz jp cn hk tw kr in pk bd lk sg my th vn id ph ae sa il ir eg za ng ke ma tn kz ge am az"
)
_LATIN_NAMES = "|".join(sorted(f"{_COMMON} {_MORE} {_COUNTRIES}".split(), key=len, reverse=True))
_OTHER_NAMES = r"рф|бел|укр|срб|бг|中国|中國|公司|网络|網路|在线|香港|台湾|台灣|한국|भारत|ไทย|みんな"
# Fields of templates end so too (`customer.email`, `product.id`): these are addresses only with a path.
# So do gendered words (Leser.in, étudiant.es) and files (logo.ai).
_FIELDS = {"ai", "blog", "email", "es", "id", "in", "life", "link", "media", "news", "page", "space", "today", "world"}
# No words: after a full stop that lacks its space these begin no sentence, whatever their capitals.
_NO_WORDS = {"com", "org"}
# Two letters and a path are an address anywhere ("bit.ly/x"), but for these.
_ENDS_OF_FILES = "js|ts|md|py|rs|sh|cs|rb|go|hs|kt|vb|ps|gz|xz|so|ml|mm|cm|km|kg|st|db|ui"
# A dot comes first in each pattern, then what must stand before it: few places of a text have a dot to look at.
_LETTER = "0-9A-Z_a-zÀ-ɏЀ-ӿ"
# A Chinese full stop is a dot between Latin letters, as browsers read it. Elsewhere it ends a sentence, and the next one may begin
# with "China".
_DOMAIN = re.compile(
    rf"(?:\.(?<=[^\W_].)|[。｡](?<=[0-9A-Za-z].))({_LATIN_NAMES}|xn--[0-9a-z-]{{2,59}})(?![{_LETTER}])|\.(?<=[^\W_].)({_OTHER_NAMES})(?!\w)",
    re.IGNORECASE,
)
_SHORT_WITH_PATH = re.compile(rf"[.](?<=[^\W_].)(?!(?:{_ENDS_OF_FILES})/)[a-z]{{2}}(?=/\w)")
_MARKED = re.compile(
    r"://(?<=[a-z]{2}://)|(?<![a-z])mailto:|www\.(?<![a-z]www\.)|@(?<=\S@)[\w-]{1,63}\.\w", re.IGNORECASE
)
# Microsoft's names for software.
_SOFTWARE = re.compile(r"(?<![^\W_])(?:asp|vb|ado|ml)\.net", re.IGNORECASE)
# The names of firms, sites and programs that are addresses, alone or before a hyphen ("Booking.com-Bewertungen"). A page at one of
# them is none: a stranger's may lie there.
_NAMES = re.compile(
    r"(?:(?:airbnb|alibaba|amazon|ancestry|apartments|ask|autotrader|bet365|bol|booking|cars|chess|crypto|dictionary|drugs|ebay|etsy"
    r"|expedia|fiverr|food|hotels|indeed|kayak|match|monday|overstock|priceline|realtor|rent|salesforce|temu|trip|vistaprint|weather"
    r"|wordpress|zillow)\.com|(?:amazon|check24|ebay|gmx|idealo|immobilienscout24|immowelt|mobile|otto|web)\.de"
    r"|(?:archive|change|schema|wikipedia|wordpress)\.org|(?:diagrams|slideshare)\.net|(?:draw|itch|socket)\.io|allegro\.pl|mail\.ru"
    r"|(?:bol|marktplaats)\.nl|amazon\.(?:co\.uk|es|fr|it|nl))(?:-[^\W\d_]+)?"
)
_LONGEST = 100
# Japanese leaves no space before an address: what stands there is no part of one in Latin letters.
_LATIN, _ANY = re.compile(r"[0-9A-Za-zÀ-ɏ_.+-]"), re.compile(r"[\w.+-]")
_AFTER = re.compile(r"[^\s<>\"'“”»)\]}]{0,100}")

_SEPARATORS = r"\d ()./\xa0\u202f-"
_CALLED = "tel|phone|fax|whatsapp|telefon|téléphone|teléfono|telefono|hotline|電話|电话|☎|📞|call(?: us)?(?: at| on)?"
_PHONES = (
    (re.compile(rf"\+(?<![{_LETTER}+].)(\d[{_SEPARATORS}]{{6,20}}\d)"), 8, 15),
    (re.compile(rf"(?<![{_LETTER}.,-])((?:1[-. ])?\(?\d{{3}}\)?[-. ]\d{{3}}[-.]\d{{4}})(?![{_LETTER}-])"), 10, 11),
    (re.compile(rf"(?<![{_LETTER}.,+-])(?<!\d )(\(?0\d{{1,5}}\)?(?:[ /-]\d{{2,8}}){{1,5}})(?![{_LETTER}-])"), 9, 14),
    (re.compile(rf"(?<![a-z])(?:{_CALLED})\W{{0,4}}\+?(\d[{_SEPARATORS}]{{4,18}}\d)", re.IGNORECASE), 6, 15),
)
# Dates, months, years, numbers in a row (01 02 03, 062/068 074/080), and round numbers (10 000 000).
_NO_PHONE = re.compile(
    r"\d{1,2}[/ -](?:19|20)\d\d(?!\d)|(?<!\d)(?:19|20)\d\d[/ -](?:19|20)\d\d(?!\d)|\A0\d+(?:\D0\d+)+\Z"
    r"|(?:\D000){2,}\Z|\A\d{1,3}\D000\Z"
)


def addresses(text: str, *, known: str = "") -> Iterator[str]:
    """Yield the addresses and numbers in a text, but for those that stand in `known`, the shop's own texts."""
    plain = ordinary(text)
    for found in chain(_web_addresses(plain), _phones(plain)):
        if not _stands_in(found, known):
            yield found


def ordinary(text: str) -> str:
    """Write letters, digits and dots of other shapes as ordinary ones, each by itself: a long run of accents stays as it is."""
    if not text.isascii():
        text = _SHAPED.sub(lambda shaped: unicodedata.normalize("NFKC", shaped[0]), text)
        text = _DIGIT.sub(lambda digit: str(unicodedata.decimal(digit[0])), text)
    return _SPELLED_DOT.sub(".", text) if "." in text or "dot" in text.lower() else text


def _web_addresses(text: str) -> Iterator[str]:
    for found in _MARKED.finditer(text):
        yield _whole(text, found)
    for found in _SHORT_WITH_PATH.finditer(text):
        yield _whole(text, found)
    for found in _DOMAIN.finditer(text):
        if _is_domain(text, found) and not _NAMES.fullmatch(
            (whole := _whole(text, found)).partition("’")[0].casefold()
        ):
            yield whole


def _is_domain(text: str, found: re.Match[str]) -> bool:
    """Tell a site's name from an abbreviation, a full stop that lacks its space, and what code is made of."""
    before, top_level = text[max(0, found.start() - _LONGEST) : found.start()], found[1] or found[2]
    label = re.split(r"[^\w-]", before)[-1]
    if before.rfind("{{") > before.rfind("}}") or _SOFTWARE.fullmatch(f"{label}.{top_level}"):
        return False
    has_letters = any(char.isalpha() for char in label)
    if top_level.lower() in _NO_WORDS:
        return has_letters or len(label) > 2
    is_long_enough = (len(label) > 1 and top_level.lower() not in _FIELDS) or text.startswith("/", found.end())
    has_its_case = top_level == top_level.lower() or (label + top_level).isupper()
    return has_letters and is_long_enough and has_its_case


def _whole(text: str, found: re.Match[str]) -> str:
    """Return the address around the place where one was found."""
    start = found.start()
    begin = start if found[0][0].isalpha() else _begin(text, start, _LATIN)  # "www." begins an address
    if begin == start and found[0][0] in ".。｡@":
        begin = _begin(text, start, _ANY)
    after = _AFTER.match(text, start)
    assert after is not None
    return (text[begin:start] + after[0]).rstrip(".,;:!?…")


def _begin(text: str, start: int, letter: re.Pattern[str]) -> int:
    begin = start
    while begin > max(0, start - _LONGEST) and letter.match(text[begin - 1]):
        begin -= 1
    return begin


def _phones(text: str) -> Iterator[str]:
    for pattern, least, most in _PHONES:
        for found in pattern.finditer(text):
            if least <= len(_digits(found[1])) <= most and not _NO_PHONE.search(found[1]):
                yield found[1]


# The shop's texts are asked for once for each number in the article.
@lru_cache(maxsize=32)
def _digits(text: str) -> str:
    return "".join(char for char in text if char.isdigit())


_HEAD = re.compile(r"^(?:[a-z]{2,10}:(?://)?)?(?:www\.)?", re.IGNORECASE)


def _stands_in(address: str, known: str) -> bool:
    """Say whether the shop's own texts name the address: its host, its mailbox, or its digits."""
    if not known:
        return False
    folded = address.casefold()
    host = re.split(r"[/?#]", _HEAD.sub("", folded))[0]
    if host and re.search(r"[^\W\d_]", host):
        return host in known
    digits = _digits(folded)
    return digits in _digits(known) if digits else folded.strip("./:") in known

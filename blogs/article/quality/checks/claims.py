"""Checks promises and claims that only the shop may make: prices, discounts, delivery, warranty, ratings, certificates, health,
surveys.

A word alone proves nothing: articles speak of unneeded "Rabatte", and of things "na gwarancji". It is a warning. An error
is a word that comes with what makes a promise of it: a number, a day, "free", "we".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from blogs.article.quality.data import ERROR, WARNING, Finding
from blogs.article.quality.subject import Part, Subject
from blogs.article.quality.text.addresses import ordinary
from blogs.article.quality.text.words import folded

_CURRENCY_SIGN = r"[$€£¥￥₽₺₴₪₩₹₫฿₦₱]"
_CURRENCY_WORD = (
    r"euros?|eur|usd|gbp|chf|dollars?|dólares|dollari|dolarów|dolar[ıi]?|pesos?|reais|zł(?:otych|ote)?|pln|kč|czk|korun\w*|kronor|kroner|kr|sek|nok|dkk"
    r"|ft|huf|forint\w*|lei|ron|lv|лв|лева|tl|try|lira\w*|руб\w*|грн|гривень|гривні|ευρώ|שקל\w*|ش[.]?ج|ريال|درهم|دينار|جنيه|€|rupees?|rupiah|rp|rs|đồng|vnd|บาท|円|元|块钱|人民币|원|エン"
)
# Bounded, as all that repeats in the gate's patterns. A model that stutters writes thousands of numbers in a row, and no other
# thread of the worker runs while a pattern tries every way to read them.
_NUMBER = r"\d[\d.,\u00a0\u202f ']{0,24}"
_PRICE = re.compile(
    rf"{_CURRENCY_SIGN}\s?{_NUMBER}|{_NUMBER}\s?(?:,-\s?)?{_CURRENCY_SIGN}|(?<![\w])(?:eur|usd|gbp|chf|rp|rs|r\$|kr)[.]?\s?{_NUMBER}"
    rf"|(?<![\d.,]){_NUMBER}\s?(?:{_CURRENCY_WORD})(?![a-z\u00e0-\u024fа-я])",
    re.IGNORECASE,
)
# "20 元" and "1 000 kr" have a number; "kr" of "4 kroppar" is no currency, nor are Italian "lei" or the "ft" of a wall's height.
_ONLY_IN = {
    "lei": {"ro"},
    "ft": {"hu"},
    "kr": {"sv", "da", "no"},
    "tl": {"tr"},
    "try": {"tr"},
    "ron": {"ro"},
    "rs": {"hi"},
    "lv": {"bg"},
    "eur": None,
}
_DIGITS = re.compile(r"\d+")
_PERCENT = re.compile(r"\d\s?[%％٪]|[%٪]\s?\d")
_CODE = re.compile(r"\b(?:[A-Z]{5,}|[A-Z]{3,}\d+)\b")
_MANY_OF = re.compile(
    r"\b\d+ (?:out of|of|von|sur|de cada|de|di|su|van de|van|av|af|z|ze|iz|из|od|din|από|ud af|uit|/) (?:10|100|ten|zehn|dix|diez|dieci|tien|dez)\b",  # noqa: E501
    re.IGNORECASE,
)
# How soon, in days or hours. "32 cm" and a verb of arriving promise nothing.
_SOON = re.compile(
    r"\d\s?-?(?:h\b|hours?|days?|working days|tage?n?\b|stunden|werktag|jours?|heures?|días?|horas?|giorn|ore\b|dias|dagen|uur|dagar|timmar|dage\b|timer"  # noqa: E501
    r"|päiv|tunni|dni|dny|dnů|godzin|hodin|nap|órá|zile|дн|час|годин|μέρες|ημέρες|ώρες|ימים|שעות|أيام|ساعة|日|時間|天|小时|小時|일|시간|ngày|giờ|hari|jam"
    r"|วัน|ชั่วโมง|दिन|घंट|gün|saat|sata?i?\b|dana?\b)",
    re.IGNORECASE,
)
# A score has a decimal, or is 5 or 10; a number of buyers has three digits.
_SCORE = re.compile(r"\d[.,]\d|\d{3,}|\d [.,]?\d{3}|(?<!\d)(?:5|10)(?!\d)")
_STARS = re.compile(r"[★⭐]")
# Names of labels: they are the same in all languages.
_LABELS = re.compile(
    r"\b(?:FSC|PEFC|GOTS|OEKO-?TEX|Öko-?Tex|Ecocert|Demeter|Naturland|Bioland|Fairtrade|Fair Trade|Blauer Engel|Blue Angel|EU Ecolabel|Ecolabel"  # noqa: E501
    r"|Nordic Swan|Svanemærket|Svanen|Cradle to Cradle|B Corp|ISO ?\d{4,5}|TÜV|GS-Zeichen|Rainforest Alliance|UTZ|MSC|ASC|GRS|RWS|bluesign"  # noqa: E501
    r"|NSF|USDA Organic|Soil Association|COSMOS|NATRUE|Leaping Bunny|FDA|CE-?(?:Zeichen|marked|certified|certificado)|Energy Star|Woolmark"  # noqa: E501
    r"|Stiftung Warentest|V-Label|Halal|Kosher|RAL|LFGB|HACCP|IFS|BRC|SGS)\b"
)


@dataclass(frozen=True, slots=True)
class _Claim:
    """What a promise speaks of, and what must stand in the same sentence to make it one."""

    check: str
    subject: str
    with_terms: tuple[str, ...] = ()
    with_pattern: re.Pattern[str] | None = None
    outright: str = ""
    """Phrases that are the promise by themselves."""


# The words of the other claims stand in any article, by themselves.
_SUSPICIOUS = {"discount", "warranty", "rating", "certificate"}
_CLAIMS = (
    _Claim("discount", "saving", (), _PERCENT),
    _Claim("discount", "discount", ("now",), re.compile(rf"{_PERCENT.pattern}|{_CODE.pattern}"), "discount_outright"),
    _Claim("delivery", "delivery", ("free", "soon"), _SOON, "delivery_outright"),
    _Claim("warranty", "warranty", ("years", "we"), None, "warranty_outright"),
    _Claim("rating", "rating", ("many",), _SCORE, "rating_outright"),
    _Claim("certificate", "certificate", ("we",), None, ""),
    _Claim("survey", "survey", ("many",), re.compile(f"{_PERCENT.pattern}|{_MANY_OF.pattern}", re.IGNORECASE), ""),
    _Claim("health", "illness", ("cure",), None, "health_outright"),
)


def check(subject: Subject) -> Iterator[Finding]:
    for part, sentence in subject.sentences:
        yield from _prices(subject, part, sentence)
        for claim in _CLAIMS:
            yield from _claimed(subject, part, sentence, claim)
        yield from _unmistakable(subject, part, sentence)


def _prices(subject: Subject, part: Part, sentence: str) -> Iterator[Finding]:
    if _DIGITS.search(sentence) is None:
        return
    for found in _PRICE.finditer(ordinary(sentence)):
        word = re.sub(rf"[\d.,\s'\u00a0\u202f]|{_CURRENCY_SIGN}", "", found[0]).casefold()
        only = _ONLY_IN.get(word)
        if (only is None or subject.language in only) and not _is_said(subject, found[0]):
            yield part.finding("price", ERROR, found[0].strip())
            return


def _is_said(subject: Subject, written: str) -> bool:
    numbers = _DIGITS.findall(written)
    return folded(written).strip() in subject.known or (
        bool(numbers)
        and all(re.search(rf"(?<!\d){number}(?!\d)", "\n".join(subject.said_in_the_request)) for number in numbers)
    )


def _claimed(subject: Subject, part: Part, sentence: str, claim: _Claim) -> Iterator[Finding]:
    lexicon = subject.lexicon
    phrase = lexicon[claim.outright].found(sentence)
    if phrase is not None:
        if phrase not in subject.known:
            yield part.finding(claim.check, ERROR, sentence)
        return
    word = lexicon[claim.subject].found(sentence)
    if word is None:
        return
    in_numbers = claim.with_pattern is not None and claim.with_pattern.search(ordinary(sentence)) is not None
    in_words = any(lexicon[name].found(sentence) not in (None, word) for name in claim.with_terms)
    if claim.check == "certificate":
        in_words = in_words or bool(subject.named_in(sentence))
    if not in_numbers and not in_words:
        if claim.subject in _SUSPICIOUS:
            yield part.finding(f"speaks of {claim.check}", WARNING, sentence)
    elif (in_numbers or not _is_denied(subject, sentence)) and not _is_allowed(subject, word, sentence):
        yield part.finding(claim.check, ERROR, sentence)


def _is_denied(subject: Subject, sentence: str) -> bool:
    return subject.lexicon["negation"].found(sentence) is not None


def _is_allowed(subject: Subject, word: str, sentence: str) -> bool:
    """Whether the shop says it itself: it speaks of the same, and has all the numbers of the sentence."""
    if word[:5] not in subject.known:
        return False
    known = set(_DIGITS.findall(subject.known))
    return known.issuperset(_DIGITS.findall(sentence))


def _unmistakable(subject: Subject, part: Part, sentence: str) -> Iterator[Finding]:
    label = _LABELS.search(sentence)
    if label and folded(label[0]) not in subject.known and not _is_denied(subject, sentence):
        yield part.finding("certificate", ERROR, label[0])
    if _MANY_OF.search(sentence) and folded(sentence) not in subject.known:
        yield part.finding("survey", ERROR, sentence)
    if _STARS.search(sentence) and "★" not in subject.known:
        yield part.finding("rating", ERROR, sentence)

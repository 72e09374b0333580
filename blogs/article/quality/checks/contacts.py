"""Checks for addresses that `wording` doesn't see: spelled out, in mixed scripts, and names at social networks."""

from __future__ import annotations

import re
from collections.abc import Iterator

from blogs.article.quality.data import ERROR, Finding
from blogs.article.quality.subject import Subject
from blogs.article.quality.text.words import folded

_DOT = r"dot|punt|punkt|punto|ponto|point|kropka|tečka|bodka|pont|pisteen?|piste|punct|nokta|точка|крапка|τελεία|נקודה|نقطة|ドット|点|點|닷|titik|chấm|จุด|prick|točka"  # noqa: E501
_TOP_LEVEL = r"com|net|org|info|biz|shop|store|online|site|example|io|co|eu|de|fr|es|it|pl|nl|pt|tr|jp|cn|kr|ru|uk|us|ch|at|be|se|no|dk|fi|cz|sk|hu|ro|gr|il|br|mx|app|xyz|ком|コム"  # noqa: E501
_SPELLED = re.compile(
    rf"[\w-]{{2,64}}\s{{1,9}}(?:{_DOT})\s{{1,9}}(?:{_TOP_LEVEL})\b|[A-Za-z0-9-]{{2,64}}\s?(?:{_DOT})\s?(?:com|net|org|shop|コム)\b",
    re.IGNORECASE,
)
_SPACED_DOT = re.compile(
    r"\b[a-z0-9-]{2,64}\s?[.·•․。]\s(?:com|net|org|shop|example)\b|\b[a-z0-9-]{2,64}\s[.·•․。]\s?(?:com|net|org|shop|example)\b",
    re.IGNORECASE,
)
_HANDLE = re.compile(r"(?<![\w.@])[@＠][A-Za-z_][\w.]{2,30}")
_AT = re.compile(r"[\w.-]{2,64}\s?[\[({]\s?(?:at|@|arroba|chez|małpa|et)\s?[\])}]\s?[\w.-]{2,64}", re.IGNORECASE)
# A name with a letter that only looks Latin: "shоp.com" with a Cyrillic о.
_MIXED = re.compile(
    r"(?<!\w)(?=[\w-]{0,64}[A-Za-z])(?=[\w-]{0,64}[\u0370-\u03ff\u0400-\u04ff])[\w-]{3,64}\.[\w-]{2,64}"
)
_LOCAL_PHONE = re.compile(
    r"(?<![\w(])\(\d{2,4}\)\s?\d{3,4}[ -]?\d{3,4}(?!\d)|(?<![\d.,])(?:\d{3}[- ]){2}\d{4}(?!\d)|(?<![\d.,])0\d{1,3}[-/ ]\d{3,4}[- ]\d{3,4}(?!\d)"  # noqa: E501
)


def check(subject: Subject) -> Iterator[Finding]:
    for part in subject.parts:
        for pattern in (_SPELLED, _SPACED_DOT, _HANDLE, _AT, _LOCAL_PHONE, _MIXED):
            found = pattern.search(part.text)
            if found and folded(found[0]).rstrip(".") not in subject.known:
                yield part.finding("address", ERROR, found[0])
                break

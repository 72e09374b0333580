"""Checks for what only a writer could know: the prompt, the outline, that it is a model; and for gaps that it left open."""

from __future__ import annotations

import re
from collections.abc import Iterator

from blogs.article.quality.data import ERROR, WARNING, Finding
from blogs.article.quality.subject import Subject
from blogs.article.quality.text import lexicon
from blogs.article.quality.text.words import folded

# A gap in brackets says in words what belongs there; "[1]" and "[sic]" are none. In any language.
_GAP = re.compile(r"[\[【<{＜]\s?[^\W\d_][^\[\]【】<>{}]{2,60}?\s?[\]】>}＞]")
_NO_GAP = re.compile(r"sic|ibid|\d", re.IGNORECASE)
_FILLER = re.compile(
    r"\bX{2,3}\b(?! ?L)|\bXX+ ?(?:cm|mm|ml|kg|g|€|EUR|%)|\b(?:TODO|TBD|TBA|FIXME|N/A|PLACEHOLDER)\b|_{3,}|\.{5,}|\blorem ipsum\b"
    r"|\b(?:product|brand|shop|store|company|customer)[_-]?name\b|\{\w+\}|%[sd]\b|\bundefined\b|\bNaN\b",
)
# Words that other articles have too, alone: an outline is drawn, a keyword looked for.
_COMMON = (
    "outline", "gliederung", "konspekt", "osnov", "disposition", "vázlat", "schiț", "jäsennyks", "kehote", "περίγραμμα", "المخطط", "промпт",  # noqa: E501
    "prompt", "the prompt", "keyword", "sökord", "søkeord", "søgeord", "zoekwoord", "ledetekst", "kulcsszó", "avainsana", "アウトライン",  # noqa: E501
    "構成案", "文字数", "大纲", "提纲", "字数", "指令", "提示词", "关键词", "プロンプト", "프롬프트", "인공", "人工知能", "בינה", "word count",  # noqa: E501
)  # fmt: skip
_AI = re.compile(
    r"(?<![^\W\d_])(?:AI|KI|IA|ИИ|ШІ|SI|YZ)(?:[- ](?:Assistent\w*|assistant\w*|model\w*|助手|アシスタント)|として|助手)|作为(?:一个)?(?:AI|人工智能)|als KI\b|as an AI\b"  # noqa: E501
)


def check(subject: Subject) -> Iterator[Finding]:
    leaks = [lexicon.of(language)["leak"] for language in {subject.language, "en"}]
    for part, sentence in subject.sentences:
        if found := next(filter(None, (terms.found(sentence) for terms in leaks)), None):
            if found not in subject.known:
                level = WARNING if found.startswith(_COMMON) else ERROR
                yield part.finding("speaks of its prompt", level, sentence)
        elif (ai := _AI.search(sentence)) and folded(ai[0]) not in subject.known:
            yield part.finding("speaks of its prompt", ERROR, sentence)
    for part in subject.parts:
        for gap in (*_GAP.finditer(part.text), *_FILLER.finditer(part.text)):
            if not _NO_GAP.search(gap[0]) and folded(gap[0].strip("[]<>{}【】 ")) not in subject.known:
                yield part.finding("gap that was left open", ERROR, gap[0])
                break

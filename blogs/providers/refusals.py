"""What a provider's refusal means, in whose words it may come: OpenAI's, Replicate's, Azure's, a gateway's, another server's.

There is no common list of codes, so a refusal is read as a person would read it: by its codes, then by its sentence. Two rules
keep a shop's own words from speaking for the provider. What is found in the sentence counts only if the prompt doesn't hold it,
since some servers repeat the request. And the account comes before the content, since "terminated for violating our policies" is
about no topic.
"""

from __future__ import annotations

import json
import re
import unicodedata
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from workers.texts import cut, parsed_json

_SHOWN_CHARACTERS = 200
# No sentence is read beyond this: some servers repeat the whole request.
_READ_CHARACTERS = 2_000

# All patterns read text as `_plain` makes it: small letters, and spaces for `_` and `-`.
_QUOTA = re.compile(
    r"insufficient (?:quota|balance|credits?|funds)|balance (?:is )?insufficient"
    r"|(?:exceeded|exhausted|depleted|used up) (?:your |the |its |all )?(?:\w+ ){0,2}(?:quota|allocation)"
    r"|quota (?:has been |is |was )?(?:exceeded|exhausted|depleted|used up)|out of (?:call volume )?(?:quota|credits?|funds)"
    r"|\b(?:key|credit) limit exceeded|trial key\b.{0,40}\blimited|with free credits"
    r"|(?:billing|account) (?:is )?not active|billing (?:hard |soft )?limit|hard limit"
    r"|(?:spend|spending|usage|credit) limit (?:has been |was |is )?(?:exceeded|reached|hit)"
    r"|(?:reached|exceeded|hit) (?:\w+ ){0,5}(?:spend|spending|usage|credit) limit"
    r"|credit balance|(?:used all|run out|requires? more|not enough|t have|not have|exceeded|no|negative) "
    r"(?:\w+ ){0,4}(?:credits?|balance)\b"
    r"|payment required|\barrear|\boverdue|budget (?:has been |is |was )?exceeded|exceeded (?:your |the )?(?:\w+ )?budget"
    r"|plan and billing|\brecharge|\btop up"
    r"|(?:free tier|trial|free time|free quota) (?:\w+ ){0,3}(?:expired|ended|exhausted|reached|over)"
    "|余额不足|欠费|请充值|额度已?(?:用|耗)(?:完|尽)"
)
_STOPPED = r"(?:deactivated|disabled|suspended|terminated|banned|restricted|archived|revoked|expired|blocked|closed)"
_KEY = re.compile(
    r"(?:account|organi[sz]ation|project|access|api key|key|token|subscription|user|consumer) "
    rf"(?:[^.]{{0,80}}?(?:has been|have been|was|were|is|are) (?:\w+ ){{0,2}})?{_STOPPED}"
    r"|(?:invalid|incorrect|missing|malformed|wrong|no|unknown|expired) (?:\w+ ){0,3}(?:api|subscription|access|authentication) "
    r"?(?:key|token|secret)|(?:api )?key (?:is |was )?(?:not valid|invalid|incorrect|missing|not found)"
    r"|invalid proxy server token|authentication (?:error|failed|required)|unauthori[sz]ed|invalid (?:organi[sz]ation|project)"
    r"|must be (?:a member of an|verified)|\bip (?:address )?(?:is )?not |\bkey (?:\w+ ){0,3}leaked"
    r"|(?:country|region|territory|location)\b[^.]{0,40} (?:not |un)supported|not (?:supported|available) in your (?:country|reg)"
    r"|virtual network|firewall rule|sufficient permissions"
    "|(?:密钥|令牌|身份验证|鉴权|api ?key).{0,20}(?:无效|过期|失败|错误|不正确)"
)
_CONTENT = re.compile(
    r"content (?:management |safety |moderation )?(?:polic|filter|moderation|safety|violation)|contentfilter|contentpolicy"
    r"|responsible ?ai|invalid prompt|usage polic|safety (?:system|polic|filter|setting|check|reason)|guardrail|moderation"
    r"|(?:was|were|been|is|are) (?:\w+ )?(?:flagged|filtered)|flagged (?:as|for|by)|data ?inspection|inappropriate"
    r"|sensitive (?:content|words?|information|material)|prohibited (?:content|use)|harmful|unsafe (?:content|prompt|input)"
    r"|violat\w* (?:\w+ ){0,4}(?:polic|guidelines|terms)|nsfw|content (?:exists risk|guidelines|rejected)"
    r"|(?:blocked|rejected|refused) by (?:our |the |your )?(?:terms|polic|safety)|prohibited content"
    "|敏感|不安全|违规"
)
_NOT_THERE = (
    r"(?:not found|not exist|t exist|not supported|t supported|unsupported|not allowed|not available|unavailable|no longer"
    r"|deprecated|decommissioned|removed|retired|invalid|unknown|no access|not have access|not permitted|not support)"
)
_MISCONFIGURED = re.compile(
    rf"\b(?:model|deployment|engine|version)s?\b.{{0,100}}?\b{_NOT_THERE}"
    r"|(?:invalid|unknown|unsupported|no such|missing|not a valid) (?:\w+ ){0,2}(?:model|deployment|version)\b"
    r"|(?:not |t )(?:have|allowed to|able to) access (?:to )?(?:the |this )?model"
    r"|response ?format|json ?schema|structured outputs?|max (?:completion )?tokens|guided json|grammar"
    r"|(?:unsupported|unknown|unrecogni[sz]ed|unexpected|extra) (?:\w+ ){0,2}"
    r"(?:parameters?|params|value|arguments?|inputs?|fields?)"
    r"|additional propert|extra inputs are not permitted|unsupported ?params|not a chat model|api version"
    r"|no connected db|operation not supported|not work with the specified model"
)
# Of one answer, and not of what we ask for each time: the next may end in time, and keep to the schema.
_CUT = re.compile(
    r"could not finish the message|max (?:completion )?tokens (?:or model output limit )?(?:was |were |is )?reached"
)
_UNUSABLE = re.compile(
    r"json validate failed|failed to (?:generate|validate) json|generated json does not|model produced invalid"
)
_TOO_LARGE = re.compile(
    r"context length|context window|context size|maximum context|prompt is too long|too many (?:input )?tokens"
    r"|request too large|reduce the length|range of input length|maximum number of (?:input )?tokens allowed"
)
# A pace that is called a quota: of requests, or of tokens, in a minute.
_PACE = re.compile(r"rate limit|(?:per |/ ?)(?:min|sec)|\b[rt]pm\b|throttl")
# LiteLLM's, of each 429.
_GATEWAYS_TYPE = "throttling error"
_QUOTA_OF_PACE = re.compile(r"\b(?:requests?|tokens?) quota exceeded")


@dataclass(frozen=True)
class Refusal:
    """An answer that is none: its status, its codes, and its sentence. `prompt` is what we had sent."""

    status: int
    codes: tuple[str, ...] = ()
    sentence: str = ""
    prompt: str = ""

    @classmethod
    def read(cls, status: int, raw: bytes | str, prompt: str = "") -> Refusal:
        """Read a body of any form."""
        try:
            body = parsed_json(raw)
        except ValueError:
            text = raw.decode(errors="replace") if isinstance(raw, bytes) else raw
            return cls(status, (), "" if "<" in text[:100] else text[:_READ_CHARACTERS], prompt)
        return cls.of(status, body, prompt)

    @classmethod
    def of(cls, status: int, body: Any, prompt: str = "") -> Refusal:
        body = _first(body)
        outer = body if isinstance(body, dict) else {"message": body}
        error = _first(outer.get("error") or outer.get("errors"))
        inner = error if isinstance(error, dict) else {"message": error}
        deepest = inner.get("innererror") or outer.get("innererror") or {}
        levels = [level for level in (inner, outer, deepest) if isinstance(level, dict)]
        codes = (level.get(name) for level in levels for name in ("code", "type", "param", "status", "title"))
        said = (level.get(name) for level in levels for name in ("message", "detail", "msg"))
        sentence = next((found for found in said if found), "")
        if not isinstance(sentence, str):
            sentence = json.dumps(sentence, ensure_ascii=False)
        # What LiteLLM adds to each refusal is about its own models.
        sentence = sentence[:_READ_CHARACTERS].partition(". Received Model Group=")[0]
        return cls(status, tuple(code[:100] for code in codes if isinstance(code, str) and code), sentence, prompt)

    @property
    def shown(self) -> str:
        """Return the sentence, or the codes, in a form that staff may read."""
        return cleaned(self.sentence or " ".join(self.codes))

    @property
    def sign(self) -> str:
        """Name this refusal in words that are the same for the next one: without numbers, ids and quotations."""
        words = re.sub(r"\S*\d\S*|(?<!\w)'[^']*'|\"[^\"]*\"|`[^`]*`", "#", self.sentence[:300])
        return cleaned(f"{self.status} {' '.join(self.codes)} {words}", 100)

    @property
    def is_of_quota(self) -> bool:
        return self.status == 402 or self._says(_QUOTA)

    @property
    def is_of_key(self) -> bool:
        return self.status in (401, 407) or self._says(_KEY)

    @property
    def is_of_content(self) -> bool:
        return self._says(_CONTENT)

    @property
    def answer_was_cut(self) -> bool:
        return self._says(_CUT)

    @property
    def answer_was_unusable(self) -> bool:
        return self._says(_UNUSABLE)

    @property
    def is_too_large(self) -> bool:
        return self.status == 413 or self._says(_TOO_LARGE)

    @property
    def is_of_our_settings(self) -> bool:
        """Tell whether every call would get this: a redirect, a missing model, a server that lacks what we ask for."""
        return 300 <= self.status < 400 or self.status in (404, 405, 410, 415, 501) or self._says(_MISCONFIGURED)

    @property
    def codes_are_of_content(self) -> bool:
        return bool(_CONTENT.search(self._codes))

    @property
    def codes_are_of_account(self) -> bool:
        codes = _QUOTA_OF_PACE.sub("", self._codes)
        return bool(_QUOTA.search(codes) or _KEY.search(codes))

    @property
    def is_of_pace(self) -> bool:
        """Tell whether its codes or its sentence speak of how many requests or tokens there may be in a short time.

        What a gateway writes to any 429 doesn't count: the name of its error's class, RateLimitError, and its type.
        """
        codes = self._codes.replace(_GATEWAYS_TYPE, "")
        return bool(_PACE.search(codes) or _PACE.search(self.sentence.lower().replace("_", " ")))

    def _says(self, pattern: re.Pattern[str]) -> bool:
        if pattern.search(self._codes):
            return True
        return any(found.group() not in self._prompt for found in pattern.finditer(self._sentence))

    @cached_property
    def _codes(self) -> str:
        return " | ".join(map(_plain, self.codes))

    @cached_property
    def _sentence(self) -> str:
        return _plain(self.sentence)

    @cached_property
    def _prompt(self) -> str:
        return _plain(self.prompt)


def _first(found: Any) -> Any:
    """Return what a list of errors begins with: Google and Cloudflare send one. Anything else is returned as it is."""
    return found[0] if isinstance(found, list) and found and isinstance(found[0], dict) else found


def _plain(text: str) -> str:
    apart = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text)
    return re.sub(r"[\s_\-'’\"`]+", " ", apart).lower()


# Anything that may be a key or a token: long, and with a number in it.
_SECRET = re.compile(r"\b(?:sk|pk|rk|r8)[-_][^\s,;]{6,}|(?<=Bearer )[^\s,;]+|\b(?=[\w*-]*\d)[\w*-]{20,}")


def cleaned(text: str, most: int = _SHOWN_CHARACTERS) -> str:
    """Make a provider's words fit for our pages: one line of letters and signs, without keys, not too long."""
    kept = "".join(sign if unicodedata.category(sign)[0] not in "CZ" else " " for sign in text[: 5 * most])
    line = _SECRET.sub("…", " ".join(kept.split()))
    return line if len(line) <= most else cut(line, most - 1).rstrip() + "…"

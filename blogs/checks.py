"""System checks of the settings that blogs depend on. Each error has an id of its own and says what to change."""

from __future__ import annotations

import ipaddress
from typing import Any

from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, Error, Tags, register

from blogs.operations import alert_webhook
from blogs.providers.token_reserve import FEW, LONGER


@register(Tags.compatibility)
def settings_make_sense(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    positive = [
        "BLOG_CREDITS",
        "BLOG_QUEUE_LIMIT",
        "BLOG_MAX_ATTEMPTS",
        "BLOG_WORKER_THREADS",
        "BLOG_WORKER_SITE_SEATS",
        "BLOG_RETENTION_DAYS",
        "BATCH_BLOGS_PER_SECOND",
        "DESK_CREDITS_CAP",
        "SITE_REQUESTS_PER_MINUTE",
        "SITE_REQUESTS_AT_ONCE",
        "PROVIDER_CALL_RETENTION_DAYS",
        "WIX_CATALOGUE_MAX_AGE_SECONDS",
    ]
    found: list[CheckMessage] = [
        Error(f"{name} must be at least 1, not {getattr(settings, name)}.", hint=f"Correct {name}.", id="blogs.E001")
        for name in positive
        if getattr(settings, name) < 1
    ]
    found += _picture_is_imported_in_time()
    if settings.PROVIDER_CALL_RETENTION_DAYS < settings.BLOG_RETENTION_DAYS:
        message = "PROVIDER_CALL_RETENTION_DAYS is less than BLOG_RETENTION_DAYS: a removed blog's archive would lack its calls."
        found.append(Error(message, hint="Raise PROVIDER_CALL_RETENTION_DAYS.", id="blogs.E006"))
    lookup, deadline = settings.BLOG_DRAFT_LOOKUP_SECONDS, settings.STAGE_DEADLINE_SECONDS["draft"]
    if lookup < deadline:
        found.append(
            Error(
                f"BLOG_DRAFT_LOOKUP_SECONDS ({lookup}) is less than STAGE_DRAFT_DEADLINE_SECONDS ({deadline}).",
                hint="A create could still succeed after the look-up, and make a second draft: wait at least as long.",
                id="blogs.E002",
            )
        )
    stuck, media = settings.WIX_MEDIA_STUCK_SECONDS, settings.STAGE_DEADLINE_SECONDS["media"]
    if not 0 < stuck < media:
        message = f"WIX_MEDIA_STUCK_SECONDS ({stuck}) must be less than STAGE_MEDIA_DEADLINE_SECONDS ({media})."
        hint = "What is left of the deadline is for the upload of a picture whose import is stuck."
        found.append(Error(message, hint=hint, id="blogs.E007"))
    return (
        found
        + _webhooks()
        + _live_events()
        + _alerts()
        + _ideas()
        + _forecast()
        + _learning()
        + _quality()
        + _words_of_openai()
        + _logins()
        + _operators()
        + _hsts()
    )


def _webhooks() -> list[CheckMessage]:
    found: list[CheckMessage] = []
    if settings.OUTGOING_WEBHOOK_LOOPBACK and not settings.DEBUG:
        hint = "Take it out of .env: it is for development."
        message = "OUTGOING_WEBHOOK_LOOPBACK lets shops have requests sent to this machine."
        found.append(Error(message, hint=hint, id="blogs.E050"))
    if not 1 <= settings.OUTGOING_WEBHOOK_SECONDS <= 30:
        hint = "A turn of a worker at an endpoint is 45 seconds."
        found.append(Error("OUTGOING_WEBHOOK_SECONDS must be from 1 to 30.", hint=hint, id="blogs.E051"))
    if not settings.OUTGOING_WEBHOOK_PORTS or not all(0 < port < 65_536 for port in settings.OUTGOING_WEBHOOK_PORTS):
        hint = "Write ports with commas between: 443,8443."
        found.append(Error("OUTGOING_WEBHOOK_PORTS must hold ports from 1 to 65535.", hint=hint, id="blogs.E052"))
    if settings.OUTGOING_WEBHOOK_OFF_AFTER_DAYS < 1:
        hint = "A receiver may be away for a weekend."
        found.append(Error("OUTGOING_WEBHOOK_OFF_AFTER_DAYS must be at least 1.", hint=hint, id="blogs.E053"))
    if not 0 <= settings.OUTGOING_WEBHOOK_CREDITS_LOW_SHARE <= 1:
        hint = "0.2 is 20 %."
        message = "OUTGOING_WEBHOOK_CREDITS_LOW_SHARE must be from 0 to 1."
        found.append(Error(message, hint=hint, id="blogs.E054"))
    return found


# Seconds of a blog on a seat; a stage's deadline ends it long before.
_EXPECTED_MAX = 3_600
_LIVE_EVENTS_BOUNDS = {
    "LIVE_EVENTS_LISTENERS_MAX": (1, 20_000),
    "LIVE_EVENTS_LISTENERS_PER_SITE": (1, 20_000),
    "LIVE_EVENTS_THREADS": (2, 200),
    "LIVE_EVENTS_POLL_SECONDS": (0.05, 5),
    "LIVE_EVENTS_HEARTBEAT_SECONDS": (0.1, 50),
    "LIVE_EVENTS_RECHECK_SECONDS": (0.1, 60),
    "LIVE_EVENTS_RESUME_MAX": (1, 1_000_000),
}


def _live_events() -> list[CheckMessage]:
    found: list[CheckMessage] = []
    for name, (least, most) in _LIVE_EVENTS_BOUNDS.items():
        if not least <= getattr(settings, name) <= most:
            hint = "docs/settings.md says what it decides."
            found.append(Error(f"{name} must be from {least} to {most:,}.", hint=hint, id="blogs.E055"))
    if settings.LIVE_EVENTS_THREADS <= settings.WIX_TOKEN_INFO_THREADS:
        message = "LIVE_EVENTS_THREADS must be more than WIX_TOKEN_INFO_THREADS."
        hint = "All of those may wait for Wix, and no other stream could be opened meanwhile."
        found.append(Error(message, hint=hint, id="blogs.E056"))
    return found


def _words_of_openai() -> list[CheckMessage]:
    known = {
        "OPENAI_ANSWER_FORMAT": ("json_schema", "json_object"),
        "OPENAI_MAX_TOKENS_FIELD": ("max_completion_tokens", "max_tokens"),
    }
    return [
        Error(f"{name} must be {' or '.join(words)}.", hint=f"Leave {name} out of .env for OpenAI.", id="blogs.E020")
        for name, words in known.items()
        if getattr(settings, name) not in words
    ]


def _alerts() -> list[CheckMessage]:
    found: list[CheckMessage] = [
        Error(f"{name} must be more than 0 and at most 1.", hint="0.05 is 5 %.", id="blogs.E010")
        for name in ("ALERT_ERROR_SHARE", "ALERT_LIMIT_USE")
        if not 0 < getattr(settings, name) <= 1
    ]
    if not 0 < settings.ALERT_QUEUE_WARNING < settings.ALERT_QUEUE_CRITICAL:
        hint = "A queue that is critical is longer than one that is worth a warning."
        found.append(Error("ALERT_QUEUE_WARNING must be less than ALERT_QUEUE_CRITICAL.", hint=hint, id="blogs.E011"))
    if settings.ALERT_ERROR_MIN < 1:
        hint = "1 lets one failed blog fire it."
        found.append(Error("ALERT_ERROR_MIN must be at least 1.", hint=hint, id="blogs.E015"))
    if settings.ALERT_WEBHOOK_URL and not alert_webhook.is_safe(settings.ALERT_WEBHOOK_URL):
        hint = "Begin it with https://. With DEBUG, http to this machine will do."
        found.append(Error("ALERT_WEBHOOK_URL must be an https address.", hint=hint, id="blogs.E016"))
    if settings.ALERT_WEBHOOK_FORM not in alert_webhook.FORMS:
        hint = "slack also suits Mattermost and Rocket.Chat; generic is JSON with fields of our own."
        found.append(
            Error(f"ALERT_WEBHOOK_FORM must be {' or '.join(alert_webhook.FORMS)}.", hint=hint, id="blogs.E017")
        )
    if settings.ALERT_DOLLARS_PER_DAY < 0:
        hint = "0 never alerts."
        found.append(Error("ALERT_DOLLARS_PER_DAY must not be negative.", hint=hint, id="blogs.E018"))
    if settings.ALERT_BLOGS_PER_MINUTE < 0:
        hint = "0 never alerts."
        found.append(Error("ALERT_BLOGS_PER_MINUTE must not be negative.", hint=hint, id="blogs.E012"))
    if settings.BLOG_FAILED_LIMIT_PER_SITE < 0:
        hint = "0 lets any number fail."
        found.append(Error("BLOG_FAILED_LIMIT_PER_SITE must not be negative.", hint=hint, id="blogs.E014"))
    if not 60 <= settings.ALERT_WINDOW_SECONDS <= 24 * 3600:
        hint = "Usage is kept for a day, in steps of five seconds."
        found.append(Error("ALERT_WINDOW_SECONDS must be between a minute and a day.", hint=hint, id="blogs.E013"))
    return found


def _ideas() -> list[CheckMessage]:
    found: list[CheckMessage] = []
    if settings.IDEA_ORDERS_PER_DAY < 0:
        hint = "0 lets no site ask for ideas without blogs."
        found.append(Error("IDEA_ORDERS_PER_DAY must not be negative.", hint=hint, id="blogs.E022"))
    if not 1 <= settings.OPENAI_IDEAS_PER_CALL <= 10:
        hint = "1 asks for each blog's idea by itself."
        found.append(Error("OPENAI_IDEAS_PER_CALL must be from 1 to 10.", hint=hint, id="blogs.E021"))
    return found


def _forecast() -> list[CheckMessage]:
    """Forecasts and a worker's pace divide by these seconds."""
    seconds = settings.BLOG_EXPECTED_SECONDS
    if 0 < seconds <= _EXPECTED_MAX:
        return []
    message = f"BLOG_EXPECTED_SECONDS must be above 0 and at most {_EXPECTED_MAX}, not {seconds}."
    hint = "65 is an ordinary blog's; it counts until some blogs were measured."
    return [Error(message, hint=hint, id="blogs.E023")]


def _learning() -> list[CheckMessage]:
    found: list[CheckMessage] = []
    learn_from = settings.OPENAI_MAX_TOKENS_LEARN_FROM
    if learn_from != 0 and learn_from < FEW:
        message = f"OPENAI_MAX_TOKENS_LEARN_FROM is {learn_from}: nothing is learned from fewer than {FEW} answers."
        found.append(Error(message, hint="Raise it, or set 0 to learn nothing.", id="blogs.E004"))
    floor, ceiling = settings.OPENAI_MAX_TOKENS_FLOOR, settings.OPENAI_MAX_TOKENS_CEILING
    if not 0 < floor <= 1 or ceiling < LONGER:
        message = (
            f"OPENAI_MAX_TOKENS_FLOOR ({floor}) must be above 0 and up to 1, ..._CEILING ({ceiling}) {LONGER} or more."
        )
        hint = "They are shares of OPENAI_IDEA_MAX_TOKENS and OPENAI_ARTICLE_..._MAX_TOKENS."
        found.append(Error(message, hint=hint, id="blogs.E005"))
    return found


def _quality() -> list[CheckMessage]:
    found: list[CheckMessage] = []
    if settings.OPENAI_CRITIC not in (known := ("off", "suspicious", "always")):
        message = f"OPENAI_CRITIC is {settings.OPENAI_CRITIC!r}."
        found.append(Error(message, hint=f"Set one of: {', '.join(known)}.", id="blogs.E060"))
    if not 0 <= settings.BLOG_QUALITY_THRESHOLD <= 100:
        message = f"BLOG_QUALITY_THRESHOLD must be from 0 to 100, not {settings.BLOG_QUALITY_THRESHOLD}."
        found.append(Error(message, hint="At 0 only errors hold an article.", id="blogs.E061"))
    for name in ("OPENAI_CRITIC_MAX_TOKENS", "OPENAI_CRITIC_SECONDS", "OPENAI_REPAIR_MAX_TOKENS"):
        if (value := getattr(settings, name)) <= 0:
            found.append(Error(f"{name} must be above 0, not {value}.", hint=f"Correct {name}.", id="blogs.E062"))
    return found


def _logins() -> list[CheckMessage]:
    found: list[CheckMessage] = [
        Error(f"{name} must be at least {least}, not {value}.", hint=f"Correct {name}.", id="blogs.E030")
        for name, value, least in (
            ("ADMIN_LOGIN_FAILURES", settings.ADMIN_LOGIN_FAILURES, 1),
            ("ADMIN_LOGIN_LOCK_SECONDS", settings.ADMIN_LOGIN_LOCK_SECONDS, 1),
            ("ADMIN_SESSION_SECONDS", settings.SESSION_COOKIE_AGE, 60),
        )
        if value < least
    ]
    return found + _networks("TRUSTED_PROXIES", "blogs.E031")


def _networks(name: str, id_: str) -> list[CheckMessage]:
    found: list[CheckMessage] = []
    for network in getattr(settings, name):
        try:
            ipaddress.ip_network(network)
        except ValueError as error:
            hint = "It holds addresses (10.0.0.5) and networks (10.0.0.0/8), with commas."
            found.append(Error(f"{name}: {error}.", hint=hint, id=id_))
    return found


_TOKEN_LETTERS = 16
_PRELOAD_SECONDS = 31_536_000


def _operators() -> list[CheckMessage]:
    found, token = _networks("OPERATIONS_NETWORKS", "blogs.E032"), settings.OPERATIONS_TOKEN
    if token and (len(token) < _TOKEN_LETTERS or not token.isascii() or not token.isprintable() or " " in token):
        message = f"OPERATIONS_TOKEN must have at least {_TOKEN_LETTERS} characters, of ASCII and without spaces."
        found.append(Error(message, hint="openssl rand -hex 24 makes one.", id="blogs.E033"))
    return found


def _hsts() -> list[CheckMessage]:
    is_enough = settings.SECURE_HSTS_INCLUDE_SUBDOMAINS and settings.SECURE_HSTS_SECONDS >= _PRELOAD_SECONDS
    if not settings.SECURE_HSTS_PRELOAD or is_enough:
        return []
    message = (
        "HSTS_PRELOAD without HSTS_SUBDOMAINS, or with HSTS_SECONDS below a year: browsers' lists would not take it."
    )
    return [Error(message, hint="Set all three, or leave HSTS_PRELOAD out.", id="blogs.E034")]


# Replicate keeps what its API has made for this long.
_KEPT_SECONDS = 3600


def _picture_is_imported_in_time() -> list[CheckMessage]:
    stages = ("article", "image", "media")
    rest = sum(settings.STAGE_DEADLINE_SECONDS[stage] + settings.RATE_LIMIT_MAX_WAIT_SECONDS for stage in stages)
    oldest = settings.BLOG_IMAGE_MAX_AGE_SECONDS + rest
    if oldest <= _KEPT_SECONDS:
        return []
    return [
        checks.Warning(
            f"A picture may be {oldest:.0f} seconds old when Wix imports it; Replicate keeps it for {_KEPT_SECONDS}.",
            hint=f"BLOG_IMAGE_MAX_AGE_SECONDS should be at most {_KEPT_SECONDS - rest:.0f}.",
            id="blogs.W001",
        )
    ]


@register(Tags.security, deploy=True)
def keys_are_set(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    return [
        Error(f"{name} is not set.", hint="Put it into the environment or .env.", id="blogs.E003")
        for name in settings.REQUIRED_SETTINGS
        if not getattr(settings, name)
    ]


@register(Tags.security, deploy=True)
def logins_tell_addresses_apart(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    if not settings.SECURE_PROXY_SSL_HEADER or settings.TRUSTED_PROXIES:
        return []
    message = "TRUSTED_PROXIES is empty behind a proxy: all logins seem to come from the proxy's address."
    hint = "Name the proxy's address, or ten failed logins of a stranger lock all staff out for a quarter of an hour."
    return [checks.Warning(message, hint=hint, id="blogs.W003")]


@register(Tags.security, deploy=True)
def networks_tell_addresses_apart(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    if not settings.OPERATIONS_NETWORKS or not settings.SECURE_PROXY_SSL_HEADER or settings.TRUSTED_PROXIES:
        return []
    message = (
        "OPERATIONS_NETWORKS without TRUSTED_PROXIES behind a proxy: all callers seem to come from the proxy's address."
    )
    hint = "Name the proxy's address in TRUSTED_PROXIES, or strangers count as operators where the proxy does."
    return [checks.Warning(message, hint=hint, id="blogs.W004")]

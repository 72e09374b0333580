"""Every error code that a caller may meet: what it means and what to do, for the page that the problem's `type` leads to.

A code is never taken out or given another meaning. docs/api.md lists the same ones, which a test compares.
"""

from __future__ import annotations

from dataclasses import dataclass

# Where the pages are. Callers read a `type` of this form against the address that they asked (RFC 9457, 3.1.1): no host is named.
PAGES = "/api/errors"


@dataclass(frozen=True, slots=True)
class Code:
    http: int
    title: str
    means: str
    do: str
    retryable: bool = False


_RETRY = (
    "Repeat it after the seconds in Retry-After. With an Idempotency-Key that is safe, whatever became of this one."
)

CODES = {
    "invalid": Code(
        400,
        "Invalid request",
        "Fields or query parameters are missing, unknown, or have a value that is not allowed.",
        "Read `errors`: each names a `field`, a `code` and a `message`. Change the request; as it is, it fails each time.",
    ),
    "parse_error": Code(
        400, "Not JSON", "The body is no JSON: it breaks off, or a sign is wrong.", "Send one JSON object, in UTF-8."
    ),
    "malformed": Code(
        400,
        "Malformed request",
        "The request cannot be understood: its host is not ours, its charset is none, a header cannot be read, or it breaks off.",
        "Read `detail`, and send a request as HTTP has it.",
    ),
    "malformed_token": Code(
        400,
        "Not a webhook",
        "What was posted to the webhooks' address is no signed token of Wix's.",
        "Nothing: only Wix posts here.",
    ),
    "not_authenticated": Code(
        401,
        "Not authenticated",
        "The request has no credential.",
        "Send `Authorization: Bearer` with a signed instance, a Wix access token or an API key.",
    ),
    "invalid_token": Code(
        401,
        "Credential refused",
        "The credential is false, has expired, or was revoked.",
        "Fetch a new one from Wix, or ask support for an API key.",
    ),
    "bad_signature": Code(
        401,
        "Webhook not signed by Wix",
        "A webhook is not signed with a key of this app's.",
        "Operators compare WIX_WEBHOOK_PUBLIC_KEYS with the app's key at Wix.",
    ),
    "bad_algorithm": Code(
        401, "Webhook signed in another way", "A webhook is not signed with RS256.", "Nothing: Wix signs with RS256."
    ),
    "not_yet_valid": Code(
        401, "Webhook from the future", "A webhook's time is yet to come.", "Operators compare the machine's clock."
    ),
    "expired": Code(401, "Webhook too old", "A webhook's time is over.", "Nothing: Wix sends it again."),
    "insufficient_credits": Code(
        402,
        "Not enough credits",
        "The site has fewer free credits (`available`) than a blog costs (`required`). Nothing was stored or held.",
        "Send the shop to `upgradeUrl`. The same request fails until credits come.",
    ),
    "site_removed": Code(
        403, "App removed", "The app was removed from this site.", "Install it again at Wix, then repeat the request."
    ),
    "permission_denied": Code(403, "Not allowed", "This credential does not allow the request.", "Use another one."),
    "dashboard_only": Code(
        403,
        "Only with a dashboard's token",
        "API keys are made, rotated and revoked by the shop's dashboard, and by no API key.",
        "Call from a page of the shop's dashboard, with its signed instance or Wix access token.",
    ),
    "not_found": Code(
        404,
        "Not found",
        "There is nothing at this address, or this site has no such blog. Another site's blogs are not found either.",
        "Compare the address and the number. Blogs are removed some months after they are finished.",
    ),
    "method_not_allowed": Code(
        405, "Method not allowed", "The address does not take this method.", "Use one that the Allow header names."
    ),
    "not_acceptable": Code(
        406,
        "Not acceptable",
        "The form that Accept or `format` asks for cannot be had here.",
        "Ask for JSON; for an article, for one of the forms that `detail` names.",
    ),
    "request_timeout": Code(
        408, "Request too slow", "The request did not arrive whole in time.", "Send it again, in one piece.", True
    ),
    "wrong_state": Code(
        409,
        "Not possible in this state",
        "The blog is in a state (`blogStatus`) that does not allow this.",
        "Do what `possible` names instead, or read the blog again.",
    ),
    "not_ready": Code(
        409,
        "No article yet",
        "The blog is not DONE, so its article cannot be read.",
        "While it is PENDING or PROCESSING, ask again after Retry-After. One that FAILED or was CANCELLED can be retried.",
    ),
    "endpoint_state": Code(
        409,
        "Not possible with this webhook endpoint",
        "The webhook endpoint is off, or there are as many as a site may have.",
        "Read `detail`: switch the endpoint on with `enabled: true`, or delete one that is not needed.",
    ),
    "too_many_keys": Code(
        409,
        "Too many API keys",
        "The site has as many usable API keys as a site may have.",
        "Revoke one that is not needed, with DELETE.",
    ),
    "key_rotated": Code(
        409,
        "Key was rotated before",
        "Another API key has this one's place already; this one goes on only until `expiresAt`.",
        "Rotate the newer one, or make a key with POST /api/keys.",
    ),
    "precondition_failed": Code(
        412,
        "Changed since it was read",
        "What `If-Match` names is not the profile's present state: it was saved since.",
        "Read the profile again, and decide by what it says now.",
    ),
    "length_required": Code(
        411,
        "Length required",
        "This address needs a body, and the request says neither how long it is (Content-Length) nor that it comes in chunks.",
        "Send Content-Length, as HTTP libraries do by themselves where they are given a body.",
    ),
    "request_too_large": Code(
        413,
        "Request too large",
        "The body has more bytes than this address takes.",
        "Send less: 64 KiB is room enough.",
    ),
    "uri_too_long": Code(414, "Address too long", "The address has more than 4,094 bytes.", "Ask for fewer at once."),
    "unsupported_media_type": Code(
        415,
        "Unsupported media type",
        "The body is of a type that is not read here.",
        "Send Content-Type: application/json.",
    ),
    "wrong_process": Code(
        421,
        "Wrong process",
        "Live events are served by a process of their own, and this one answers requests.",
        "Behind the proxy of an installation the address leads there by itself. In development ask the port that `detail` names.",
    ),
    "duplicate_topic": Code(
        409,
        "Topic is there already",
        "The request says `onDuplicate: refuse`, and the site has its topic. `topic` is the other one's text; `blogId` or `postUrl`"
        " name the blog or post, where they are known.",
        "Ask for another topic, or repeat it with `onDuplicate: vary`, which has the writer find another angle.",
    ),
    "unknown_idea": Code(
        422,
        "No such idea",
        "`sourceType` is `idea`, and the site has no idea with the number in `sourceId`.",
        "Take an `id` from GET /api/ideas.",
    ),
    "idea_used": Code(
        409,
        "Idea is used",
        "Another blog of the site was made of this idea; `blogId` is that blog.",
        "Choose an idea whose `status` is `open`.",
    ),
    "too_many_idea_orders": Code(
        429,
        "Ideas asked for too often",
        "The site has asked for ideas as often as it may in a day (UTC).",
        "Use those that GET /api/ideas lists, or ask again after the seconds in Retry-After.",
        retryable=True,
    ),
    "idempotency_key_reused": Code(
        422,
        "Idempotency key reused",
        "This Idempotency-Key came with another request before. Nothing was done.",
        "Use a new key for a new request, and the same body for a repeated one.",
    ),
    "unknown_products": Code(
        422,
        "Unknown products",
        "The shop shows no products with the ids in `unknown`.",
        "Leave them out, or show them in the shop. A product that was just added is known some minutes later.",
    ),
    "throttled": Code(
        429, "Too many requests", "This site or address has sent too many requests within a minute.", _RETRY, True
    ),
    "too_many_listeners": Code(
        429,
        "Too many streams",
        "This site has as many streams of live events open as one site may have.",
        "Close some, or open one of the whole site, which tells of all its blogs.",
        True,
    ),
    "too_many_at_once": Code(
        429,
        "Too many requests at once",
        "This site has more requests in work at once than one of our processes takes from it. Nothing was done.",
        "Send fewer side by side. " + _RETRY,
        True,
    ),
    "plan_limit": Code(
        429,
        "Plan's limit reached",
        "The site's plan allows no more unfinished blogs. Nothing was charged.",
        "Wait until some are finished, or send the shop to `upgradeUrl`.",
        True,
    ),
    "too_many_failures": Code(
        429,
        "Too many failures",
        "Many blogs of this site have failed within a day, more than were DONE. Nothing was charged.",
        "Wait for Retry-After, look at why they failed, and ask for other topics.",
        True,
    ),
    "too_many_saves": Code(
        429,
        "Saved too often",
        "The profile was saved 100 times within a day. Each save is kept as a version.",
        "Wait for Retry-After. Save when a person changes something, and not in a loop.",
        True,
    ),
    "headers_too_large": Code(
        431,
        "Headers too large",
        "The request's headers have too many bytes, or are too many.",
        "Send fewer or shorter ones.",
    ),
    "internal": Code(
        500,
        "Internal error",
        "Something went wrong on our side.",
        "Tell support the `requestId`. A repeat may succeed; with an Idempotency-Key it is safe.",
        True,
    ),
    "not_implemented": Code(
        501,
        "Not implemented",
        "The body comes in a transfer coding that is not read here.",
        "Send it plain or chunked.",
    ),
    "listeners_full": Code(
        503,
        "No room for another stream",
        "As many streams of live events are open as may be.",
        "Come back after the seconds in Retry-After, and ask for the blog itself meanwhile.",
        True,
    ),
    "queue_full": Code(503, "Queue full", "There is no room for another blog now. Nothing was charged.", _RETRY, True),
    "site_queue_full": Code(
        503, "Site's queue full", "This site has as many blogs in line as one site may have.", _RETRY, True
    ),
    "schedule_full": Code(
        503, "Schedule full", "This site has as many scheduled blogs as one site may have.", _RETRY, True
    ),
    "identity_unavailable": Code(
        503, "Wix does not answer", "Wix does not say whose this access token is; nothing was done.", _RETRY, True
    ),
    "database_unavailable": Code(503, "Database away", "The database is away for a moment.", _RETRY, True),
    "webhooks_not_configured": Code(
        503, "Webhooks not configured", "The service has no key to verify webhooks with.", "Operators set one.", True
    ),
    "unavailable": Code(
        503, "Temporarily unavailable", "No web process takes requests just now; nothing was done.", _RETRY, True
    ),
    "timeout": Code(504, "Answered too late", "The answer took longer than the proxy waits.", _RETRY, True),
}


def address(code: str) -> str:
    """Return the address of a code's page, which is the `type` of its problems."""
    return f"{PAGES}/{code.replace('_', '-')}"

"""Whether a webhook is Wix's, and what it says: wix.webhooks.token before @wix/sdk."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from django.test import Client
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from tests.wix.judge.examples import quick
from tests.wix.judge.judging import Judge
from tests.wix.judge.webhooks import INSTANCE, claims, corpus, one_line, pem, private_key, signed
from wix.webhooks import public_keys, token

# Read by us alone: Wix's docs draw objects where strings are sent.
OBJECTS = {
    "nestings: inner object",
    "nestings: inner list",
    "nestings: inner list of an object",
    "nestings: identity object",
    "nestings: identity list",
    "nestings: identity list of an object",
}
# Refused by us alone. RS256 is pinned; the SDK's own import of the key says RS256 too, but does not hold in node.
ALGORITHMS = {"headers: alg RS384", "headers: alg RS512", "headers: alg PS256"}
# Refused by us alone: forms of a JWT that Wix's RS256 has no use for, and node's decoder reads over.
SLOPPY = {
    "headers: kid of another type",
    "headers: kid null",
    "headers: b64 false",
    "broken: space in the signature",
    "broken: signature padded too far",
    "broken: rubbish after the signature",
    "broken: signature in plain base64",
    "broken: NUL at the end",
    "broken: last letter with bits of no meaning",
}
# Refused by us alone: what would cost Python more than it is worth.
TOO_MUCH = {
    f"nestings: {layer} {what}"
    for layer in ("inner", "identity")
    for what in ("JSON too deep", "JSON of a long number")
}
# Read by us alone, and of no use to anybody: the header is signed.
NOT_A_NUMBER = {"headers: a NaN"}

# What PostgreSQL's jsonb can't hold is replaced; and a list of one is that one to the SDK.
OTHER_DATA = {"nestings: inner JSON NUL", "nestings: inner JSON half a pair", "nestings: inner list of a number"}


@pytest.fixture(autouse=True)
def _our_key(settings: Any) -> None:
    settings.WIX_WEBHOOK_PUBLIC_KEYS = [pem()]
    settings.WIX_WEBHOOK_DEV_PRIVATE_KEY_FILE = ""


def read(body: str) -> token.Event | None:
    try:
        return token.read(body.encode())
    except token.InvalidWebhook:
        return None


def test_every_verdict_and_every_event_is_that_of_the_sdk(judge: Judge) -> None:
    bodies = corpus()
    theirs = dict(zip(bodies, judge.deliveries(list(bodies.values()), pem()), strict=True))
    ours = {name: read(body) for name, body in bodies.items()}

    valid = {name for name in bodies if theirs[name]["valid"]}
    read_by_us = {name for name, event in ours.items() if event}
    assert read_by_us - valid == OBJECTS | NOT_A_NUMBER
    assert valid - read_by_us == ALGORITHMS | SLOPPY | TOO_MUCH
    both = {name: event for name, event in ours.items() if event and name in valid}
    assert len(both) > 100
    assert len(bodies) - len(valid) > 100
    assert {name for name, event in both.items() if event.data != theirs[name]["data"]} == OTHER_DATA
    for name, event in both.items():
        if name.startswith(("nestings: event type", "nestings: without eventType")):
            assert event.event_type == "" or isinstance(theirs[name]["eventType"], str), name
        else:
            assert event.event_type == theirs[name]["eventType"], name
        if name.startswith(("nestings: instance", "nestings: without instanceId")):
            assert event.instance_id is None, name
        else:
            assert str(event.instance_id) == theirs[name]["instanceId"] == INSTANCE, name


def test_five_megabytes_are_too_much_for_us_alone(judge: Judge, client: Client) -> None:
    """Refused by what the header says of its length: before a signature is looked at, and without a database."""
    body = signed(claims(json.dumps("x" * 3_750_000)))

    (theirs,) = judge.deliveries([body], pem())
    ours = client.post("/wix/webhooks", body, content_type="text/plain")

    assert len(body) > 5_000_000
    assert theirs["valid"]
    assert ours.status_code == 413


@st.composite
def damaged(draw: st.DrawFn, body: str) -> str:
    """But for its last letter, of which four bits say nothing: see SLOPPY."""
    place = draw(st.integers(0, len(body) - 5))
    letters = draw(st.text("AZaz09-_.", max_size=3))
    return body[:place] + letters + body[place + draw(st.integers(0, 3)) :]


def test_one_wrong_letter_anywhere_is_as_wrong_for_us_as_for_the_sdk(judge: Judge) -> None:
    good = signed(claims())

    @hypothesis_settings(quick, max_examples=10)
    @given(st.lists(damaged(good), min_size=20, max_size=20))
    def check(bodies: list[str]) -> None:
        theirs = [verdict["valid"] for verdict in judge.deliveries(bodies, pem())]
        assert [read(body) is not None for body in bodies] == theirs

    check()


def key_texts() -> dict[str, str]:
    public, private = private_key().public_key(), private_key()
    short = rsa.generate_private_key(public_exponent=65537, key_size=1024).public_key()
    curve = ec.generate_private_key(ec.SECP256R1()).public_key()
    spki = (Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return {
        "PEM": pem(),
        "PEM without its last newline": pem().strip(),
        "PEM with spaces around": f"  {pem()}  ",
        "PEM with Windows' newlines": pem().replace("\n", "\r\n"),
        "one line": one_line(),
        "PEM with its newlines escaped": pem().replace("\n", "\\n"),
        "one line and a newline": one_line() + "\n",
        "of the older form": public.public_bytes(Encoding.PEM, PublicFormat.PKCS1).decode(),
        "DER in one line": base64.b64encode(public.public_bytes(Encoding.DER, spki[1])).decode(),
        "private": private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode(),
        "of 1,024 bits": short.public_bytes(*spki).decode(),
        "of a curve": curve.public_bytes(*spki).decode(),
        "half": pem()[:200],
        "words": "the key",
        "nothing": "",
    }


def test_keys_are_read_as_the_sdk_reads_them(judge: Judge) -> None:
    good = signed(claims())
    ours, theirs = set(), set()
    for name, text in key_texts().items():
        if judge.deliveries([good], text)[0]["valid"]:
            theirs.add(name)
        try:
            public_keys.read(text)
            ours.add(name)
        except public_keys.InvalidKey:
            pass

    assert {"PEM", "one line"} <= theirs <= ours
    # One line of an environment file can't hold a newline; and what the other forms say is the same key.
    assert ours - theirs == {
        "PEM with its newlines escaped",
        "one line and a newline",
        "of the older form",
        "DER in one line",
    }


@pytest.mark.parametrize("keys", [["ours", "theirs"], ["theirs", "ours"], ["theirs"], []])
def test_with_several_keys_any_of_them_may_have_signed(judge: Judge, settings: Any, keys: list[str]) -> None:
    settings.WIX_WEBHOOK_PUBLIC_KEYS = [pem(key) for key in keys]
    bodies = [signed(claims(), key=key) for key in ("ours", "theirs", "unknown")]

    verdicts = [[verdict["valid"] for verdict in judge.deliveries(bodies, pem(key))] for key in keys]

    wanted = [any(by_key) for by_key in zip(*verdicts, strict=True)] or [False] * 3
    assert [read(body) is not None for body in bodies] == wanted

"""Webhooks as Wix sends them, and as none should be: for each a name and the request's body."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from functools import cache
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.support.wix.instances import base64url

INSTANCE = "0b3f1f0e-7f0e-4b1a-9c55-0d6a0b0c0d0e"
PLAN = {"operationTimeStamp": "2026-11-01T10:00:00.000Z", "vendorProductId": "pro", "cycle": "MONTHLY"}
IDENTITY = '{"identityType":"WIX_USER","wixUserId":"u"}'
_HASHES = {"256": hashes.SHA256(), "384": hashes.SHA384(), "512": hashes.SHA512()}


@cache
def private_key(name: str = "ours") -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def pem(name: str = "ours") -> str:
    key = private_key(name).public_key()
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def one_line(name: str = "ours") -> str:
    return base64.b64encode(pem(name).encode()).decode()


def signed(claims: Any, header: Any = None, *, key: str = "ours") -> str:
    """RS256, or what the header asks for. Bytes stay as they are, anything else becomes JSON."""
    header = {"alg": "RS256", "typ": "JWT"} if header is None else header
    algorithm = header.get("alg") if isinstance(header, dict) else "RS256"
    message = f"{_part(header)}.{_part(claims)}"
    return f"{message}.{base64url(_signature(str(algorithm), message.encode(), key))}"


def _signature(algorithm: str, message: bytes, key: str) -> bytes:
    digest = _HASHES.get(algorithm[2:], _HASHES["256"])
    if algorithm.startswith("PS"):
        pss = padding.PSS(mgf=padding.MGF1(digest), salt_length=digest.digest_size)
        return private_key(key).sign(message, pss, digest)
    return private_key(key).sign(message, padding.PKCS1v15(), digest)


def _part(value: Any) -> str:
    return base64url(value if isinstance(value, bytes) else json.dumps(value).encode())


def claims(data: Any = '{"appId":"a"}', event_type: Any = "AppInstalled", **more: Any) -> dict[str, Any]:
    """`more`: of the envelope. The innermost layer stays as it is given."""
    envelope = {"eventType": event_type, "instanceId": INSTANCE, "data": data, "identity": IDENTITY, **more}
    now = int(time.time())
    return {"data": json.dumps(envelope), "iat": now, "exp": now + 3600}


def corpus() -> dict[str, str]:
    parts = (_events, _claims, _headers, _forgeries, _broken, _nestings)
    return {f"{part.__name__.strip('_')}: {name}": body for part in parts for name, body in part()}


def _events() -> Iterator[tuple[str, str]]:
    yield "installed", signed(claims())
    yield "duplicated site", signed(claims(json.dumps({"appId": "a", "originInstanceId": INSTANCE})))
    yield "removed", signed(claims(event_type="AppRemoved"))
    for event_type in ("PaidPlanPurchased", "PaidPlanChanged", "PaidPlanAutoRenewalCancelled", "PlanConvertedToPaid"):
        yield event_type, signed(claims(json.dumps(PLAN), event_type))
    yield "invoice", signed(claims('{"status":"PAID","invoiceId":"i","recurring":true}', "InvoiceStatusUpdated"))
    domain = {"id": "e1", "entityFqdn": "wix.stores.catalog.v3.product", "slug": "updated", "updatedEvent": {"a": 1}}
    yield "domain event", signed(claims(json.dumps(domain), "wix.stores.catalog.v3.product_updated"))
    yield "unknown event", signed(claims(event_type="SomethingNew"))
    yield "words of the world", signed(claims(json.dumps({"name": "Čaj ☕ שלום \u202e"}, ensure_ascii=False)))
    yield "account info", signed(claims(accountInfo={"accountId": "x"}))


def _claims() -> Iterator[tuple[str, str]]:
    now = int(time.time())
    changes: dict[str, dict[str, Any]] = {
        "no times at all": {"iat": None, "exp": None},
        "no exp": {"exp": None},
        "no iat": {"iat": None},
        "iat tomorrow": {"iat": now + 86_400},
        "a year old": {"iat": now - 31_536_000},
        "exp with a fraction": {"exp": now + 100.5},
        "nbf gone by": {"nbf": now - 60},
        "nbf tomorrow": {"nbf": now + 86_400},
        "expired": {"exp": now - 3600},
        "expired just now": {"exp": now},
        "exp 0": {"exp": 0},
        "exp below 0": {"exp": -1},
        "exp as text": {"exp": str(now + 100)},
        "nbf as text": {"nbf": str(now - 100)},
        "iat as text": {"iat": str(now)},
        "exp true": {"exp": True},
        "exp a list": {"exp": [now + 100]},
        "of another issuer": {"iss": "evil.example", "aud": "another", "sub": "x"},
        "issuer, audience and subject of odd types": {"iss": 1, "aud": {"a": 1}, "sub": 7, "jti": 9},
        "claims that were not asked for": {"scope": "admin", "nonce": "n", "data2": {}},
    }
    for name, change in changes.items():
        changed = claims() | change
        yield name, signed({name: value for name, value in changed.items() if value is not None})
    for field in ("exp", "nbf", "iat"):
        yield f"{field} null", signed(claims() | {field: None})
        for literal in ("NaN", "Infinity", "1e400", "-1e400", "1e3"):
            raw = json.dumps(claims() | {field: 0.125}).replace("0.125", literal)
            yield f"{field} {literal}", signed(raw.encode())


def _headers() -> Iterator[tuple[str, str]]:
    for name, header in {
        "kid": {"alg": "RS256", "kid": "1"},
        "kid of another type": {"alg": "RS256", "kid": 5},
        "kid null": {"alg": "RS256", "kid": None},
        "no typ": {"alg": "RS256"},
        "another typ": {"alg": "RS256", "typ": "JOSE", "cty": "JWT", "x": [1]},
        "key of one's own": {"alg": "RS256", "jwk": {"kty": "oct", "k": "AAAA"}, "jku": "https://evil.example"},
        "crit of nothing": {"alg": "RS256", "crit": []},
        "crit unknown": {"alg": "RS256", "crit": ["exp"], "exp": 1},
        "crit not there": {"alg": "RS256", "crit": ["b64"]},
        "crit b64 true": {"alg": "RS256", "crit": ["b64"], "b64": True},
        "crit b64 false": {"alg": "RS256", "crit": ["b64"], "b64": False},
        "b64 false": {"alg": "RS256", "b64": False},
        "crit null": {"alg": "RS256", "crit": None},
        "alg missing": {"typ": "JWT"},
        "alg null": {"alg": None},
        "alg empty": {"alg": ""},
        "alg a list": {"alg": ["RS256"]},
        "alg in lower case": {"alg": "rs256"},
        "alg unknown": {"alg": "XS256"},
        "alg RS384": {"alg": "RS384"},
        "alg RS512": {"alg": "RS512"},
        "alg PS256": {"alg": "PS256"},
        "alg HS256, signed as RS256": {"alg": "HS256"},
        "alg none, signed as RS256": {"alg": "none"},
    }.items():
        yield name, signed(claims(), header)
    yield "alg twice", signed(claims(), b'{"alg":"none","alg":"RS256"}')
    yield "alg twice, the other way", signed(claims(), b'{"alg":"RS256","alg":"none"}')
    for name, raw in {
        "list": b'["alg"]',
        "text": b"alg",
        "nothing": b"",
        "null": b"null",
        "NaN": b'{"alg":"RS256","x":NaN}',
    }.items():
        yield f"a {name}", signed(claims(), raw)


def _forgeries() -> Iterator[tuple[str, str]]:
    payload = _part(claims())
    for algorithm in ("none", "None", "NONE", "nOnE"):
        unsigned = f"{_part({'alg': algorithm, 'typ': 'JWT'})}.{payload}."
        yield f"alg {algorithm}", unsigned
        yield f"alg {algorithm} with a signature", unsigned + "AAAA"
    der = private_key().public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    for name, secret in {
        "the PEM": pem().encode(),
        "the PEM without its last newline": pem().strip().encode(),
        "the key in one line": one_line().encode(),
        "the DER": der,
        "nothing": b"",
    }.items():
        for algorithm, digest in (("HS256", hashlib.sha256), ("HS512", hashlib.sha512)):
            message = f"{_part({'alg': algorithm, 'typ': 'JWT'})}.{payload}"
            yield f"{algorithm} with {name}", f"{message}.{base64url(hmac.digest(secret, message.encode(), digest))}"
    yield "key of somebody else", signed(claims(), key="theirs")
    numbers = private_key("theirs").public_key().public_numbers()
    jwk = {"kty": "RSA", "n": base64url(numbers.n.to_bytes(256)), "e": "AQAB"}
    yield "key of somebody else in the header", signed(claims(), {"alg": "RS256", "jwk": jwk}, key="theirs")
    curve = ec.generate_private_key(ec.SECP256R1())
    message = f"{_part({'alg': 'ES256'})}.{payload}"
    yield "ES256", f"{message}.{base64url(curve.sign(message.encode(), ec.ECDSA(hashes.SHA256())))}"
    yield (
        "RS256 that is PS256",
        signed(claims(), {"alg": "PS256"}).replace(_part({"alg": "PS256"}), _part({"alg": "RS256"})),
    )


def _broken() -> Iterator[tuple[str, str]]:
    good = signed(claims())
    header, payload, signature = good.split(".")
    yield "empty", ""
    yield "no JWT", '{"eventType":"AppInstalled"}'
    yield "letters", "a.b.c"
    yield "dots", ".."
    yield "no signature", f"{header}.{payload}"
    yield "empty signature", f"{header}.{payload}."
    yield "no payload", f"{header}..{signature}"
    yield "no header", f".{payload}.{signature}"
    yield "four parts", f"{good}.{signature}"
    yield "five parts", f"{good}.{signature}.{signature}"
    yield "as JSON", json.dumps({"protected": header, "payload": payload, "signature": signature})
    yield "quoted", json.dumps(good)
    yield "Bearer", f"Bearer {good}"
    yield "another payload", f"{header}.{_part(claims(event_type='PaidPlanPurchased'))}.{signature}"
    yield "another header", f"{_part({'alg': 'RS256', 'kid': 'x'})}.{payload}.{signature}"
    for name, place in {"first": 0, "middle": len(signature) // 2, "last but one": len(signature) - 2}.items():
        other = "A" if signature[place] != "A" else "B"
        yield (
            f"{name} letter of the signature",
            f"{header}.{payload}.{signature[:place]}{other}{signature[place + 1 :]}",
        )
    for length in (1, 2, 10, len(header), len(header) + 40, len(good) // 2, len(good) - 40, len(good) - 1):
        yield f"truncated to {length}", good[:length]
    for name, body in {
        "newline at the end": f"{good}\n",
        "carriage return at the end": f"{good}\r\n",
        "spaces at the end": f"{good}  ",
        "newline before": f"\n{good}",
        "space before": f" {good}",
        "space in the payload": f"{header}.{payload[:9]} {payload[9:]}.{signature}",
        "space in the signature": f"{header}.{payload}.{signature[:9]} {signature[9:]}",
        "signature padded": f"{good}==",
        "signature padded too far": f"{good}====",
        "payload padded": f"{header}.{payload}=.{signature}",
        "rubbish after the signature": f"{good}!!",
        "letters after the signature": f"{good}AAAA",
        "signature in plain base64": f"{header}.{payload}.{signature.replace('-', '+').replace('_', '/')}",
        "NUL at the end": f"{good}\0",
        "last letter with bits of no meaning": good[:-1] + chr(ord(good[-1]) + 1),
    }.items():
        yield name, body
    for name, raw in {
        "nothing": b"",
        "a list": b"[]",
        "a number": b"5",
        "null": b"null",
        "text": b'"data"',
        "words": b"data",
        "half an object": b'{"data":',
        "no UTF-8": b'{"data":"\xff"}',
        "a mark before": b"\xef\xbb\xbf" + json.dumps(claims()).encode(),
        "UTF-16": json.dumps(claims()).encode("utf-16"),
        "a single quote": b"{'data':'{}'}",
        "a comma too many": json.dumps(claims()).encode()[:-1] + b",}",
        "data twice": json.dumps(claims()).encode()[:-1] + b',"data":"x"}',
    }.items():
        yield f"payload of {name}", signed(raw)


def _nestings() -> Iterator[tuple[str, str]]:
    values: dict[str, Any] = {
        "null": None,
        "true": True,
        "false": False,
        "0": 0,
        "5": 5,
        "empty": "",
        "words": "words",
        "object": {"appId": "a"},
        "list": [],
        "list of a number": [5],
        "list of an object": [{"a": 1}],
        "JSON null": "null",
        "JSON number": "5",
        "JSON true": "true",
        "JSON list": "[1]",
        "JSON text": '"text"',
        "JSON object": '{"a":1}',
        "JSON twice": '"{\\"a\\":1}"',
        "half": '{"a":',
        "JSON with spaces": ' \n{"a": 1}\t',
        "JSON after a mark": '\ufeff{"a":1}',
        "JSON NaN": '{"a":NaN}',
        "JSON -Infinity": "-Infinity",
        "JSON huge": '{"a":1e999}',
        "JSON NUL": '{"a":"\\u0000"}',
        "JSON raw NUL": '{"a":"\0"}',
        "JSON raw newline": '{"a":"\n"}',
        "JSON half a pair": '{"a":"\\ud83d"}',
        "JSON twice a": '{"a":1,"a":2}',
        "JSON deep": '{"a":' * 50 + "1" + "}" * 50,
        "JSON too deep": "[" * 50_000 + "]" * 50_000,
        "JSON of a long number": "1" * 5_000,
        "JSON __proto__": '{"__proto__":{"a":1}}',
    }
    for name, value in values.items():
        yield f"outer {name}", signed(claims() | {"data": value})
        yield f"inner {name}", signed(claims(value))
        yield f"identity {name}", signed(claims(identity=value))
        yield f"event type {name}", signed(claims(event_type=value))
        yield f"instance {name}", signed(claims(instanceId=value))
    for layer in ("data", "eventType", "instanceId", "identity"):
        envelope = {"eventType": "AppInstalled", "instanceId": INSTANCE, "data": "{}", "identity": IDENTITY}
        del envelope[layer]
        yield f"without {layer}", signed(claims() | {"data": json.dumps(envelope)})
    yield "without a token's data", signed({"iat": 1, "exp": int(time.time()) + 100})
    yield "envelope not in data", signed({"eventType": "AppInstalled", "instanceId": INSTANCE, "data": "{}"})

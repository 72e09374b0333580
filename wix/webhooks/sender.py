"""Makes the webhooks that Wix would post to us, signed with a key pair of our own; for development and tests."""

from __future__ import annotations

import json
import os
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wix import catalog

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

_LIFETIME_SECONDS = 3_600


def sample(event_type: str, **changes: Any) -> dict[str, Any]:
    """Make an event's own data, with every field that Wix documents for it."""
    made = _SAMPLES.get(event_type)
    return {**(made() if made else {}), **changes}


def sign(
    key: RSAPrivateKey,
    event_type: str,
    instance_id: uuid.UUID | str,
    data: Any,
    *,
    as_objects: bool = False,
    **claims: Any,
) -> str:
    """Return the request's body. `claims` stand beside `data`; `iat` and `exp` are added unless given, and None leaves one out."""
    import jwt

    def packed(layer: Any) -> Any:
        return layer if as_objects else json.dumps(layer)

    identity = {"identityType": "WIX_USER", "wixUserId": str(uuid.uuid5(uuid.NAMESPACE_OID, str(instance_id)))}
    envelope = {
        "eventType": event_type,
        "instanceId": str(instance_id),
        "data": packed(data),
        "identity": packed(identity),
    }
    now = int(time.time())
    times = {"iat": now, "exp": now + _LIFETIME_SECONDS, **claims}
    payload = {"data": packed(envelope), **{name: value for name, value in times.items() if value is not None}}
    return jwt.encode(payload, key, algorithm="RS256")


def new_key() -> RSAPrivateKey:
    from cryptography.hazmat.primitives.asymmetric import rsa

    return rsa.generate_private_key(public_exponent=65_537, key_size=2_048)


def public_pem(key: RSAPrivateKey) -> str:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def development_key(file: Path) -> RSAPrivateKey:
    """Read the private key in a file; make it where there is none."""
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.serialization import (
        Encoding,
        NoEncryption,
        PrivateFormat,
        load_pem_private_key,
    )

    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        pem = new_key().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as new:
            new.write(pem)
    key = load_pem_private_key(file.read_bytes(), password=None)
    assert isinstance(key, RSAPrivateKey)
    return key


def _plan(**more: Any) -> dict[str, Any]:
    return {"operationTimeStamp": _now(), "vendorProductId": "basic", "cycle": "MONTHLY", **more}


def _domain_event(entity: str, slug: str, **kind: Any) -> dict[str, Any]:
    return {
        "id": str(uuid.uuid4()),
        "entityFqdn": entity,
        "slug": slug,
        "entityId": str(uuid.uuid4()),
        "eventTime": _now(),
        "entityEventSequence": "1",
        **kind,
    }


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime())


_APP = str(uuid.UUID(int=1))
_SAMPLES: dict[str, Callable[[], dict[str, Any]]] = {
    "AppInstalled": lambda: {"appId": _APP},
    "AppRemoved": lambda: {"appId": _APP},
    "PaidPlanPurchased": lambda: _plan(invoiceId="1001"),
    "PaidPlanChanged": lambda: _plan(previousVendorProductId="basic", previousCycle="MONTHLY", invoiceId="1002"),
    "PaidPlanAutoRenewalCancelled": lambda: _plan(
        cancelReason="USER_CANCEL",
        userReason="",
        subscriptionCancellationType="IMMEDIATE",
        cancelledDuringFreeTrial="NOT_DURING_FREE_TRIAL",
    ),
    "PlanConvertedToPaid": lambda: _plan(),
    "PlanReactivated": lambda: _plan(invoiceId="1001", reason="AUTO_RENEW_TURNED_ON"),
    "PlanTransferred": lambda: _plan(invoiceId="1001"),
    "InvoiceStatusUpdated": lambda: {"status": "PAID", "invoiceId": "1001", "recurring": True},
    "wix.media.site_media.v1.file_descriptor_file_ready": lambda: _domain_event(
        "wix.media.site_media.v1.file_descriptor", "file_ready", actionEvent={"bodyAsJson": "{}"}
    ),
    "wix.blog.v3.draft_created": lambda: _domain_event(
        "wix.blog.v3.draft", "created", createdEvent={"entityAsJson": "{}"}
    ),
}


def _of_a_shop(event_type: str) -> Callable[[], dict[str, Any]]:
    """Sample an event of Wix Stores. V1's have fields of their own; V3's are domain events, named by entity and happening."""
    *entity, happened = event_type.split(".")
    if event_type.startswith("com."):
        kind = "collection" if happened.startswith("Collection") else "productId"
        return lambda: {kind: str(uuid.uuid4())}
    name, _, slug = happened.partition("_")
    return lambda: _domain_event(".".join([*entity, name]), slug, actionEvent={"bodyAsJson": "{}"})


_SAMPLES |= {event_type: _of_a_shop(event_type) for event_type in sorted(catalog.CHANGES)}
EVENT_TYPES = tuple(_SAMPLES)

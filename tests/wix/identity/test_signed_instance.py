from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine

from tests.support.wix.instances import base64url, iso, milliseconds, payload, signed
from wix.identity.signed_instance import InvalidInstance, read_instance, sign_instance

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _noon() -> Any:
    with time_machine.travel(NOW, tick=False):
        yield


def _refusal(instance: str) -> str:
    with pytest.raises(InvalidInstance) as refused:
        read_instance(instance)
    return str(refused.value)


def test_the_signature_is_the_one_of_wix_documentation(settings: Any) -> None:
    # Computed with: printf %s "$data" | openssl dgst -sha256 -hmac test-secret -binary | basenc --base64url | tr -d =
    settings.WIX_APP_SECRET = "test-secret"
    data = base64url(json.dumps({"instanceId": "x"}).encode())

    assert data == "eyJpbnN0YW5jZUlkIjogIngifQ"
    assert "no instanceId" in _refusal(f"9ah7nfdeWrLnq7JR1p3ycOwiK3LVml_TucFT_MFE7ZY.{data}")


def test_a_signed_instance_tells_whose_it_is() -> None:
    sent = payload(vendorProductId="premium", originInstanceId=str(uuid.uuid4()))

    assert read_instance(signed(sent)) == sent


def test_what_we_sign_we_accept() -> None:
    instance_id = uuid.uuid4()

    assert read_instance(sign_instance(instance_id))["instanceId"] == str(instance_id)


@pytest.mark.parametrize("extra", range(4))
def test_padding_is_never_needed(extra: int) -> None:
    sent = payload(note="x" * extra)

    assert read_instance(signed(sent)) == sent


def test_letters_of_other_scripts_are_understood() -> None:
    sent = payload(siteName="Шарфы ÿ")

    assert read_instance(signed(json.dumps(sent, ensure_ascii=False).encode())) == sent


def test_a_forged_instance_is_refused() -> None:
    assert "signature" in _refusal(signed(payload(), secret="guessed"))


def test_an_instance_signed_with_an_empty_key_is_refused() -> None:
    assert "signature" in _refusal(signed(payload(), secret=""))


def test_while_the_secret_is_rotated_the_previous_one_verifies_too_and_signs_nothing(settings: Any) -> None:
    old = signed(payload())
    settings.WIX_APP_SECRET, settings.WIX_APP_SECRET_PREVIOUS = "the-new-one", settings.WIX_APP_SECRET

    assert read_instance(old)
    assert read_instance(signed(payload(), secret="the-new-one"))
    ours = sign_instance(uuid.uuid4())
    assert "signature" in _refusal(signed(payload(), secret="guessed"))
    assert "signature" in _refusal(signed(payload(), secret=""))

    settings.WIX_APP_SECRET_PREVIOUS = ""
    assert read_instance(ours)
    assert "signature" in _refusal(old)
    assert "signature" in _refusal(signed(payload(), secret=""))


def test_a_previous_secret_alone_lets_no_caller_in(settings: Any) -> None:
    settings.WIX_APP_SECRET, settings.WIX_APP_SECRET_PREVIOUS = "", settings.WIX_APP_SECRET

    assert "WIX_APP_SECRET" in _refusal(signed(payload(), secret=settings.WIX_APP_SECRET_PREVIOUS))


def test_a_changed_payload_is_refused() -> None:
    signature = signed(payload()).split(".")[0]
    other = signed(payload()).split(".")[1]

    assert "signature" in _refusal(f"{signature}.{other}")


@pytest.mark.parametrize("position", [0, 20, 42, 44, 200, -1])
def test_one_changed_character_is_enough(position: int) -> None:
    characters = list(signed(payload()))
    characters[position] = "A" if characters[position] != "A" else "B"

    assert "signature" in _refusal("".join(characters))


def test_a_padded_signature_is_another_one() -> None:
    signature, data = signed(payload()).split(".")

    assert "signature" in _refusal(f"{signature}=.{data}")


def test_a_signature_in_plain_base64_is_another_one() -> None:
    instances = (signed(payload(note=str(n))) for n in range(50))
    signature, data = next(i for i in instances if {"-", "_"} & set(i.split(".")[0])).split(".")

    assert "signature" in _refusal(f"{signature.replace('-', '+').replace('_', '/')}.{data}")


@pytest.mark.parametrize("instance", ["", ".", "a", "a.", ".b", "a.b.c", "..", "a..b"])
def test_what_has_not_two_parts_is_refused(instance: str) -> None:
    assert "<signature>.<data>" in _refusal(instance)


def test_a_third_part_is_refused_though_the_rest_is_right() -> None:
    assert "<signature>.<data>" in _refusal(signed(payload()) + ".more")


@pytest.mark.parametrize(
    "data",
    ["!!!!", "a", "e30==", "{}", base64url(b"{"), base64url(b"\xff\xfe"), base64url(b""), base64url(b'{"a": NaN')],
)
def test_signed_data_that_is_no_base64url_of_json_is_refused(data: str) -> None:
    assert _refusal(signed(data)) in (
        "its data is not base64url of JSON",
        "it must have the form <signature>.<data>",
    )


@pytest.mark.parametrize("data", [b"[]", b"null", b"7", b'"text"', b"true"])
def test_signed_data_that_is_no_object_is_refused(data: bytes) -> None:
    assert "not a JSON object" in _refusal(signed(data))


def test_an_endless_instance_is_refused_without_looking_at_it() -> None:
    assert _refusal("a." + "b" * 5_000_000) == "it is too long"


@pytest.mark.parametrize("instance_id", [..., None, "", "none", 7, True, [], {}, "0" * 31])
def test_an_instance_without_an_instance_id_is_refused(instance_id: Any) -> None:
    assert "no instanceId" in _refusal(signed(payload(instanceId=instance_id)))


@pytest.mark.parametrize("app", [..., None, "", "00000000-0000-4000-8000-000000000002", [], 0])
def test_an_instance_of_another_app_is_refused(app: Any) -> None:
    assert "another app" in _refusal(signed(payload(appDefId=app)))


def test_an_anonymous_visitor_is_refused() -> None:
    assert "anonymous visitor" in _refusal(signed(payload(aid=str(uuid.uuid4()))))


@pytest.mark.parametrize("user", [..., None, ""])
def test_an_instance_without_a_wix_user_is_refused(user: Any) -> None:
    assert "uid" in _refusal(signed(payload(uid=user)))


@pytest.mark.parametrize("user", [7, True, [], ["x"], {"id": 1}])
def test_a_user_is_named_by_a_text(user: Any) -> None:
    assert "uid" in _refusal(signed(payload(uid=user)))


OWNER = "11111111-2222-4333-8444-555555555555"


@pytest.mark.parametrize(
    "who",
    [
        {"permissions": "OWNER"},
        {"permissions": "OWNER", "uid": OWNER, "siteOwnerId": OWNER},
        {"permissions": "CONTRIBUTOR"},
        {"permissions": "whatever Wix says of a contributor", "siteOwnerId": ...},
        {"permissions": None, "uid": OWNER, "siteOwnerId": OWNER},
        {"permissions": ..., "uid": OWNER, "siteOwnerId": OWNER},
        {"demoMode": ...},
        {"demoMode": None},
        {"demoMode": "false"},
    ],
    ids=str,
)
def test_owners_and_contributors_come_in(who: dict[str, Any]) -> None:
    assert read_instance(signed(payload(**who)))


@pytest.mark.parametrize("permissions", [..., None, "", "  ", False, 0, [], ["OWNER"], {"OWNER": True}])
@pytest.mark.parametrize("owner", [OWNER, ..., None, ""])
def test_a_user_without_permissions_who_is_not_the_owner_is_a_member_and_refused(permissions: Any, owner: Any) -> None:
    assert "no owner or contributor" in _refusal(signed(payload(permissions=permissions, siteOwnerId=owner)))


@pytest.mark.parametrize("permissions", ["MEMBER", "SITE_MEMBER", "site member", "Visitor", "ANONYMOUS_VISITOR"])
def test_a_member_by_name_is_refused(permissions: str) -> None:
    told = _refusal(signed(payload(permissions=permissions, uid=OWNER, siteOwnerId=OWNER)))

    assert "no owner or contributor" in told


@pytest.mark.parametrize("demo", [True, "true", "True", 1, "yes", [True], {"on": True}])
def test_a_demonstration_speaks_for_no_site(demo: Any) -> None:
    assert "demonstration" in _refusal(signed(payload(demoMode=demo)))


@pytest.mark.parametrize("depth", [500, 900, 990, 1_500, 2_900])
def test_a_nested_instance_is_refused_and_no_error_of_ours(depth: int) -> None:
    for data in (b"[" * depth + b"]" * depth, b'{"a":' + b"[" * depth + b"]" * depth + b"}"):
        assert _refusal(signed(data))


@pytest.mark.parametrize("write", [iso, milliseconds])
def test_an_instance_is_good_until_it_expires(write: Any) -> None:
    lasts = payload(signDate=write(NOW - timedelta(hours=4)), expirationDate=write(NOW + timedelta(seconds=1)))
    lasted = {**lasts, "expirationDate": write(NOW - timedelta(seconds=1))}

    assert read_instance(signed(lasts))
    assert "expired" in _refusal(signed(lasted))


@pytest.mark.parametrize("write", [iso, milliseconds])
@pytest.mark.parametrize("expires", [..., None, "never"])
def test_without_an_expiration_date_an_instance_is_good_for_four_hours(write: Any, expires: Any) -> None:
    young = payload(signDate=write(NOW - timedelta(hours=3, minutes=59)), expirationDate=expires)
    old = {**young, "signDate": write(NOW - timedelta(hours=4, minutes=1))}

    assert read_instance(signed(young))
    assert "expired" in _refusal(signed(old))


@pytest.mark.parametrize("write", [iso, milliseconds])
def test_clocks_may_differ_by_minutes_only(write: Any) -> None:
    ahead = payload(signDate=write(NOW + timedelta(minutes=4)))
    far_ahead = payload(signDate=write(NOW + timedelta(minutes=6)))

    assert read_instance(signed(ahead))
    assert "future" in _refusal(signed(far_ahead))


@pytest.mark.parametrize(
    "moment", [..., None, "", "yesterday", "2026-13-40T00:00:00Z", True, [], 1e300, -1e300, float("inf"), float("nan")]
)
def test_a_sign_date_that_is_none_is_refused(moment: Any) -> None:
    assert "signDate" in _refusal(signed(payload(signDate=moment)))


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", 0, -1])
def test_a_sign_date_at_the_end_of_time_is_refused(moment: Any) -> None:
    assert _refusal(signed(payload(signDate=moment, expirationDate=...)))


@pytest.mark.parametrize("missing", ["WIX_APP_ID", "WIX_APP_SECRET"])
def test_without_a_key_of_our_own_no_caller_gets_in(settings: Any, missing: str) -> None:
    setattr(settings, missing, "")

    assert missing in _refusal(signed(payload(), secret=""))

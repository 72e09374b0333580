"""The whole document, made from the code once in a process, as `/api/schema` serves it and as openapi.json keeps it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cache
from typing import Any

import yaml
from drf_spectacular.generators import SchemaGenerator

JSON_TYPE, YAML_TYPE = "application/vnd.oai.openapi+json", "application/vnd.oai.openapi"


@dataclass(frozen=True, slots=True)
class Rendered:
    text: bytes
    etag: str


@cache
def document() -> dict[str, Any]:
    """Describe every address, without a request or a database."""
    made = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    # Plain JSON: drf-spectacular puts lazy texts and enums in.
    plain: dict[str, Any] = json.loads(json.dumps(made, default=str))
    return plain


@cache
def rendered(*, as_yaml: bool = False) -> Rendered:
    text = yaml.safe_dump(document(), sort_keys=False, allow_unicode=True, width=120) if as_yaml else as_json()
    return Rendered(text.encode(), f'"{hashlib.sha256(text.encode()).hexdigest()[:32]}"')


def as_json() -> str:
    return json.dumps(document(), indent=1, ensure_ascii=False) + "\n"

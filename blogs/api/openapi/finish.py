"""What all operations have in common, added to what each view said of itself: headers, problems, 304, credentials."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from blogs.api.openapi import headers, open_addresses, problems, webhooks
from blogs.api.openapi.documenting import API_KEY, CREDENTIALS, DASHBOARD_TOKEN, MARK, SIGNED_INSTANCE

SCHEMES = {
    SIGNED_INSTANCE: {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "<signature>.<data>",
        "description": "The app instance that Wix signs into the address of the app's page in the dashboard.",
    },
    DASHBOARD_TOKEN: {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "OauthNG.JWS.…",
        "description": "The access token that Wix's SDK sends from a dashboard page (`fetchWithAuth`).",
    },
    API_KEY: {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "blog_…",
        "description": "An API key of a shop's own server.",
    },
}
# Stands in an operation whose view does not say what it is. A test fails where one does.
UNDOCUMENTED = "x-undocumented"
_IF_NONE_MATCH = {
    "name": "If-None-Match",
    "in": "header",
    "schema": {"type": "string"},
    "description": "An ETag that is known. Where nothing has changed since, the answer is 304 without a body.",
}
_MARKS = ("readOnly", "x-spec-enum-id")
_REFERENCE = r"#/components/schemas/(\w+)"
_HAVE_BODIES = ("post", "put", "patch")


def without_slashes(endpoints: list[Any], **kwargs: Any) -> list[Any]:
    """Show an address without the slash that may end it (drf-spectacular calls this first)."""
    return [(path.rstrip("/"), *rest) for path, *rest in endpoints]


def finished(result: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
    """Add what all operations have in common (drf-spectacular calls this last)."""
    result["paths"] = dict(sorted({**result["paths"], **open_addresses.PATHS}.items()))
    shared: dict[str, Any] = {}
    for _, method, operation in operations(result):
        _finish(operation, method, shared)
    components = result.setdefault("components", {})
    schemas = _public(components.get("schemas", {}))
    for name in _taken(result):
        schemas[name]["additionalProperties"] = False
        for field in schemas[name].get("properties", {}).values():
            _allow_blank_once(field)
            _tell_default(field)
    components["schemas"] = dict(sorted({**schemas, "Problem": problems.SHAPE}.items()))
    components["responses"] = dict(sorted(shared.items()))
    components["securitySchemes"] = SCHEMES
    result["webhooks"] = webhooks.DESCRIBED
    used = re.findall(r"#/components/headers/(\w+)", str([result["paths"], shared]))
    components["headers"] = headers.components(used)
    return result


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield each operation with its path and its method, in lower case."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if method in ("get", "post", "put", "patch", "delete"):
                yield path, method, operation


def _public(schemas: dict[str, Any]) -> dict[str, Any]:
    """Leave out what is said to the reader of the code: a serializer's docstring, drf-spectacular's own marks."""
    found: dict[str, Any] = {name: _without(schema, _MARKS) for name, schema in schemas.items()}
    for schema in found.values():
        schema.pop("description", None)
    return found


def _without(value: Any, names: tuple[str, ...]) -> Any:
    if isinstance(value, list):
        return [_without(each, names) for each in value]
    if not isinstance(value, dict):
        return value
    # What is left out is not the same as "", which most fields refuse.
    return {
        name: _without(it, names) for name, it in value.items() if name not in names and (name, it) != ("default", "")
    }


def _allow_blank_once(field: dict[str, Any]) -> None:
    """Remove the shape that allows "", where the first shape allows it already: of `oneOf`, exactly one may hold."""
    first, *rest = field.get("oneOf", [None])
    if rest == [{"type": "string", "maxLength": 0}] and re.search(first.get("pattern", "."), "") is not None:
        del field["oneOf"]
        field.update(first)


def _tell_default(field: dict[str, Any]) -> None:
    """Say in words what counts where a field is left out: generators make one with a `default` a field that must be sent."""
    if "default" in field:
        told = f"Left out: {json.dumps(field.pop('default'))}."
        field["description"] = f"{field['description']} {told}" if "description" in field else told


def _taken(document: dict[str, Any]) -> set[str]:
    """Name the shapes of bodies: what stands in one and is unknown is refused."""
    bodies = [operation["requestBody"] for _, _, operation in operations(document) if "requestBody" in operation]
    found = set(re.findall(_REFERENCE, str(bodies)))
    return found | {
        name for each in found for name in re.findall(_REFERENCE, str(document["components"]["schemas"][each]))
    }


def _finish(operation: dict[str, Any], method: str, shared: dict[str, Any]) -> None:
    is_open = operation.get("security") == []
    own = operation.pop(MARK, None)
    if own is None:
        own = {"problems": [], "answers": {}, "credentials": CREDENTIALS}
        if not is_open:
            operation[UNDOCUMENTED] = True
    if not is_open:
        operation["security"] = [{name: []} for name in own["credentials"]]
    answers = operation["responses"]
    for http, about in own["answers"].items():
        answer = answers[http]
        answer["headers"] = headers.of_answer(
            ["X-Request-ID", *about["always"]], [*problems.RATE_FIELDS, *about["sometimes"]]
        )
        if about["links"]:
            answer["links"] = about["links"]
    if method == "get" and not is_open and "200" in answers and _STREAM not in answers["200"].get("content", {}):
        _say_that_it_may_be_known(operation)
    codes = {*own["problems"]}
    if is_open:
        codes |= {*problems.OF_OPEN_ADDRESSES}
    else:
        codes |= {*problems.OF_ALL, *problems.OF_CREDENTIALS}
        codes |= {*(problems.OF_BODIES if method in _HAVE_BODIES else ())}
    operation["responses"] = dict(sorted({**answers, **problems.responses(codes, shared)}.items()))


_STREAM = "text/event-stream"


def _say_that_it_may_be_known(operation: dict[str, Any]) -> None:
    """Add the ETag, and 304 (`blogs.api.endpoint`)."""
    found = operation["responses"]["200"]
    found.setdefault("headers", {}).update(headers.of_answer(["ETag"], []))
    operation.setdefault("parameters", []).append(_IF_NONE_MATCH)
    unchanged = {name: it for name, it in found["headers"].items() if name != "Location"}
    operation["responses"]["304"] = {"description": "Nothing has changed: it is known.", "headers": unchanged}

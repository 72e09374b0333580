"""The forms of an article in the document. Its parts are those of the schema that the writer answers with."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from blogs.article.schema import ArticleContent

_RUN = {"text": "Rinse the filter first.", "bold": False, "italic": False, "productId": None}
_EXAMPLE: dict[str, Any] = {
    "blogId": 61,
    "version": 1,
    "words": 642,
    "language": "en",
    "title": "Five ways to brew coffee",
    "metaTitle": "Five ways to brew coffee at home",
    "metaDescription": "From a French press to cold brew: five ways to brew coffee at home, and what each needs.",
    "slug": "five-ways-to-brew-coffee",
    "excerpt": "Five ways to brew coffee at home.",
    "tags": ["coffee", "brewing"],
    "blocks": [
        {"type": "heading", "level": 2, "text": "Pour over"},
        {"type": "paragraph", "runs": [_RUN]},
        {"type": "product", "productId": "p1", "pitch": "The filter that we use ourselves."},
    ],
    "products": [{"id": "p1", "name": "Paper filter", "url": "https://shop.example/product-page/paper-filter"}],
}
_TEXT = {"type": "string"}
_PRODUCT = {
    "type": "object",
    "required": ["id", "name", "url"],
    "properties": {"id": _TEXT, "name": _TEXT, "url": _TEXT},
}


def forms(camel: Callable[[str], str]) -> dict[str, tuple[dict[str, Any], Any]]:
    """Return the schema and an example of each media type. `camel` names a part as the API does."""
    ricos = {
        "type": "object",
        "required": ["nodes"],
        "properties": {"nodes": {"type": "array", "items": {"type": "object"}}},
    }
    return {
        "application/json": (_blocks(camel), _EXAMPLE),
        "text/html": (_TEXT, '<article lang="en" dir="auto">\n<h1>Five ways to brew coffee</h1>…</article>'),
        "text/markdown": (_TEXT, "# Five ways to brew coffee\n\n…"),
        "text/plain": (_TEXT, "Five ways to brew coffee\n\n…"),
        "application/vnd.wix.rich-content+json": (ricos, {"nodes": [{"type": "PARAGRAPH", "nodes": []}]}),
    }


def _blocks(camel: Callable[[str], str]) -> dict[str, Any]:
    written = ArticleContent.model_json_schema()
    parts = _renamed(_inlined(written, written["$defs"]), camel)
    number = {"type": "integer"}
    properties = {"blogId": number, "version": number, "words": number, **parts["properties"]}
    properties["products"] = {"type": "array", "items": _PRODUCT}
    return {"type": "object", "required": list(properties), "properties": properties}


def _inlined(schema: Any, definitions: dict[str, Any]) -> Any:
    """Put each definition where it is referred to. None refers to itself."""
    if isinstance(schema, list):
        return [_inlined(each, definitions) for each in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return _inlined(definitions[schema["$ref"].rpartition("/")[2]], definitions)
    left_out = {"$defs", "discriminator", "title", "description"} if not _names_fields(schema) else {"$defs"}
    return {name: _inlined(it, definitions) for name, it in schema.items() if name not in left_out}


def _names_fields(schema: dict[str, Any]) -> bool:
    """Tell an object of properties, whose names are fields', from a schema."""
    return bool(schema) and all(isinstance(it, dict) for it in schema.values())


def _renamed(schema: Any, camel: Callable[[str], str]) -> Any:
    if isinstance(schema, list):
        return [_renamed(each, camel) for each in schema]
    if not isinstance(schema, dict):
        return schema
    found = {name: _renamed(it, camel) for name, it in schema.items()}
    if isinstance(found.get("properties"), dict):
        found["properties"] = {camel(name): it for name, it in found["properties"].items()}
    if isinstance(found.get("required"), list):
        found["required"] = [camel(name) for name in found["required"]]
    return found

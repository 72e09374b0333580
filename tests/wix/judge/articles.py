"""Any blocks that the article's schema allows, made from the schema itself.

A new type of block needs no line here, unless it has a field of a kind that is new too, which fails loudly.
"""

from __future__ import annotations

import typing
from typing import Any, Literal, get_args, get_origin

from hypothesis import strategies as st
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from blogs.article.schema import Block
from tests.support.blogs.articles import any_text

BLOCKS: tuple[type[BaseModel], ...] = get_args(Block)
PRODUCTS = ["mug", "bad", "gone", ""]
_NAMED: dict[str, st.SearchStrategy[Any]] = {"product_id": st.sampled_from(PRODUCTS)}


def any_of(model: type[BaseModel]) -> st.SearchStrategy[Any]:
    return st.builds(model, **{name: _field(name, field) for name, field in model.model_fields.items()})


def _field(name: str, field: FieldInfo) -> st.SearchStrategy[Any]:
    if name in _NAMED:
        optional = type(None) in get_args(field.annotation)
        return st.none() | _NAMED[name] if optional else _NAMED[name]
    return _value(field.annotation)


def _value(kind: Any) -> st.SearchStrategy[Any]:
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is Literal:
        return st.sampled_from(arguments)
    if origin is list:
        return st.lists(_value(arguments[0]), max_size=3)
    if origin is typing.Annotated:
        return _value(arguments[0])
    if kind is str:
        return any_text
    if kind is bool:
        return st.booleans()
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return any_of(kind)
    raise TypeError(f"No strategy for {kind}: say here what an article may have there.")


any_blocks = st.lists(st.one_of(*map(any_of, BLOCKS)), max_size=8)

"""How a view says what it takes and answers, beside its code: `documented`. CONTRIBUTING.md shows it for a new endpoint.

The headers, the problems that any address may answer, and 304 are added to each by `finish`; a view names what is its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiRequest, OpenApiResponse, extend_schema
from rest_framework import serializers

from blogs.api.errors.codes import CODES

JSON = "application/json"
# Where a view's own part of the document waits for `finish`, which takes it out.
MARK = "x-documented"
# The names of `finish.SCHEMES`: any one of them is enough.
SIGNED_INSTANCE, DASHBOARD_TOKEN, API_KEY = CREDENTIALS = ("signedInstance", "dashboardToken", "apiKey")
# The largest number that a blog, an endpoint or an entry may have in an address.
NUMBER_MAX = 10**18 - 1

_View = TypeVar("_View", bound=Callable[..., Any])
# A serializer's class, or a schema as OpenAPI has it.
Shape = type[serializers.BaseSerializer[Any]] | Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer that is no problem: its shape, an example, and which headers it always has or may have.

    `forms` has the shape and the example of each media type, where an answer comes in several.
    """

    about: str
    shape: Shape = None
    example: Any = None
    always: Sequence[str] = ()
    sometimes: Sequence[str] = ()
    links: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    forms: Mapping[str, tuple[Shape, Any]] = field(default_factory=dict)


def documented(
    operation: str,
    summary: str,
    *,
    answers: Mapping[int, Answer],
    tag: str,
    about: str = "",
    takes: Shape = None,
    sends: Any = None,
    parameters: Sequence[OpenApiParameter] = (),
    problems: Sequence[str] = (),
    credentials: Sequence[str] = CREDENTIALS,
) -> Callable[[_View], _View]:
    """Describe a view. `operation` names it for generated clients, `sends` is an example of what it `takes`.

    `problems` are codes of `errors.codes` that are this address's own, besides those that any address answers.
    """
    assert CODES.keys() >= {*problems}, f"blogs/api/errors/codes.py has none of {set(problems) - CODES.keys()}"
    own = {
        "problems": list(problems),
        "credentials": list(credentials),
        "answers": {
            str(http): {"always": list(it.always), "sometimes": list(it.sometimes), "links": dict(it.links)}
            for http, it in answers.items()
        },
    }
    return extend_schema(
        operation_id=operation,
        summary=summary,
        description=about or summary,
        tags=[tag],
        request=_request(takes, sends),
        responses=_responses(answers),
        parameters=list(parameters),
        extensions={MARK: own},
    )


def _request(takes: Shape, sends: Any) -> Any:
    if takes is None:
        return None
    example = [] if sends is None else [OpenApiExample("example", value=sends, request_only=True)]
    return {JSON: OpenApiRequest(takes, examples=example)}


def _responses(answers: Mapping[int, Answer]) -> dict[Any, OpenApiResponse]:
    found: dict[Any, OpenApiResponse] = {}
    for http, answer in answers.items():
        forms = answer.forms or ({JSON: (answer.shape, answer.example)} if answer.shape is not None else {})
        if not forms:
            found[http] = OpenApiResponse(description=answer.about)
        for media, (shape, example) in forms.items():
            shown = [OpenApiExample("example", value=example, response_only=True, media_type=media)]
            found[http, media] = OpenApiResponse(shape, answer.about, examples=shown)
    return found


def parameter(
    name: str, schema: Mapping[str, Any], about: str, *, where: Literal["query", "path", "header"] = "query", needed: bool = False,
    example: Any = None, style: str | None = None,
) -> OpenApiParameter:  # fmt: skip
    shown = [] if example is None else [OpenApiExample("example", value=example, parameter_only=(name, where))]
    return OpenApiParameter(
        name,
        dict(schema),
        location=where,
        required=needed or where == "path",
        description=about,
        examples=shown,
        style=style,
        explode=False if style else None,
    )


def number_in_path(name: str, about: str) -> OpenApiParameter:
    schema = {"type": "integer", "minimum": 1, "maximum": NUMBER_MAX}
    return parameter(name, schema, about, where="path", example=61)


def page_of(shape: type[serializers.BaseSerializer[Any]], name: str) -> type[serializers.BaseSerializer[Any]]:
    """Make the shape of a page of a list, whose component in the document has this name."""
    fields = {
        "next": serializers.URLField(allow_null=True, help_text="the address of the next page; null on the last"),
        "previous": serializers.URLField(allow_null=True, help_text="the address of the page before"),
        "results": shape(many=True),
    }
    return type(f"{name}Serializer", (serializers.Serializer,), fields)


# The body of an act that takes no field.
NOTHING: dict[str, Any] = {"type": "object", "properties": {}, "additionalProperties": False}
LIMIT = parameter(
    "limit", {"type": "integer", "minimum": 1, "maximum": 100, "default": 50}, "How many a page has.", example=20
)
CURSOR = parameter(
    "cursor",
    {"type": "string", "minLength": 1},
    "Where a page begins: as `next` and `previous` of another page have it.",
)
# Inside it may have spaces. HTTP takes off those around it, of which clients send none before it.
_SEEN = r"!-~\u00a1-\u00ac\u00ae-\u00ff"
_KEY = {
    "type": "string",
    "minLength": 1,
    "maxLength": 255,
    "pattern": rf"^[{_SEEN}]([ {_SEEN}]*[{_SEEN}])?[\t ]*$",
}
_KEY_ABOUT = (
    "Yours to choose. A repeated request with the same key and body gets the first answer again, byte for byte."
)
IDEMPOTENCY_KEY = parameter("Idempotency-Key", _KEY, _KEY_ABOUT, where="header", example="spring-2")
IDEMPOTENCY_KEY_NEEDED = parameter(
    "Idempotency-Key", _KEY, _KEY_ABOUT, where="header", needed=True, example="spring-bulk"
)

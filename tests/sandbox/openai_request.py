"""What OpenAI's stand-in reads from a request: what it is about, and what it costs."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Any

from tests.sandbox.openai_errors import bad_request

BYTES_PER_TOKEN = 4
OPERATIONS = {
    "blog_idea": "idea",
    "blog_ideas": "idea",
    "blog_article": "article",
    "blog_critic": "critic",
    "blog_repair": "repair",
    "blog_idea_repair": "idea_repair",
}
# Asked for several blogs at once.
SEVERAL = ("blog_ideas", "blog_idea_repair")
# Where a server without strict schemas is asked, the schema's name stands in the prompt.
IN_WORDS = "JSON Schema `{}`"


@dataclass(frozen=True, slots=True)
class Request:
    """The part of a chat completion request that this stand-in looks at."""

    model: str
    messages: list[dict[str, Any]]
    schema_name: str | None
    max_tokens: int | None
    size: int
    """The bytes of all that was sent: the schema is read by the model too."""

    @classmethod
    def read(cls, body: bytes) -> Request:
        try:
            document = json.loads(body)
        except ValueError:
            document = None
        if not isinstance(document, dict):
            raise bad_request("We could not parse the JSON body of your request.")
        model, messages = document.get("model"), document.get("messages")
        if not isinstance(model, str) or not model:
            raise bad_request("you must provide a model parameter")
        if not isinstance(messages, list) or not messages or not all(_is_message(message) for message in messages):
            raise bad_request("Missing required parameter: 'messages'.", "messages")
        if document.get("stream"):
            raise bad_request("This stand-in does not stream.", "stream")
        max_tokens = document.get("max_completion_tokens", document.get("max_tokens"))
        if max_tokens is not None and (not isinstance(max_tokens, int) or max_tokens < 1):
            raise bad_request("Invalid 'max_completion_tokens': expected a positive integer.", "max_completion_tokens")
        return cls(model, messages, _schema_name(document), max_tokens, len(body))

    @property
    def prompt_tokens(self) -> int:
        return math.ceil(self.size / BYTES_PER_TOKEN)

    @property
    def charge(self) -> int:
        return self.prompt_tokens + (self.max_tokens or 0)

    @property
    def prompt(self) -> str:
        return str(next((m["content"] for m in reversed(self.messages) if m["role"] == "user"), ""))


def _is_message(message: Any) -> bool:
    return isinstance(message, dict) and isinstance(message.get("role"), str) and "content" in message


def _schema_name(document: dict[str, Any]) -> str | None:
    response_format = document.get("response_format")
    if isinstance(response_format, dict) and response_format.get("type") == "json_object":
        said = str(document["messages"])
        return next((name for name in OPERATIONS if IN_WORDS.format(name) in said), None)
    if not isinstance(response_format, dict) or response_format.get("type") != "json_schema":
        return None
    json_schema = response_format.get("json_schema")
    if not isinstance(json_schema, dict) or not isinstance(json_schema.get("name"), str):
        raise bad_request("Missing required parameter: 'response_format.json_schema.name'.", "response_format")
    return str(json_schema["name"])

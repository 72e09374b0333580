"""A shop at the sandbox, and calls to the sandbox that are made without the product's code."""

from __future__ import annotations

import json
import time
from email.utils import parsedate_to_datetime
from typing import Any

import requests

from tests.sandbox import Sandbox

INSTANCE = "11111111-2222-4333-8444-555555555555"


PRODUCTS = [
    {
        "id": "p-linen",
        "name": "Linen Duvet Cover",
        "description": "Washed linen from European flax. Gets softer with every wash.",
        "price": 129,
        "url": "https://nordlicht.example/product-page/linen-duvet-cover",
        "imageUrl": "https://static.wixstatic.com/media/abc_1234~mv2.jpg",
    },
    {
        "id": "p-throw",
        "name": "Wool Throw",
        "description": "A heavy throw of undyed wool.",
        "price": 89.5,
        "url": "https://nordlicht.example/product-page/wool-throw",
    },
    {"id": "p-hidden", "name": "Sample", "description": "", "price": 1, "visible": False},
]


class WixSite:
    """A site's API the way the product calls it: one token, JSON in, JSON out."""

    def __init__(self, sandbox: Sandbox, instance_id: str = INSTANCE) -> None:
        self.url = sandbox.wix_url
        self.token = self._token(instance_id)

    def _token(self, instance_id: str) -> str:
        form = {
            "grant_type": "client_credentials",
            "client_id": "app",
            "client_secret": "hush",
            "instance_id": instance_id,
        }
        response = requests.post(f"{self.url}/oauth2/token", json=form, timeout=5)
        response.raise_for_status()
        return str(response.json()["access_token"])

    def call(self, method: str, path: str, json: Any = None, **arguments: Any) -> requests.Response:
        headers = {"Authorization": self.token}
        return requests.request(method, self.url + path, json=json, headers=headers, timeout=5, **arguments)

    def member(self) -> str:
        member = {"loginEmail": "author@nordlicht.example", "profile": {"nickname": "Editorial team"}}
        created = self.call("POST", "/members/v1/members", {"member": member})
        return str(created.json()["member"]["id"])

    def settled(self, file_id: str, *, deadline_seconds: float = 5) -> dict[str, Any]:
        until = time.monotonic() + deadline_seconds
        while True:
            answer = self.call("GET", "/site-media/v1/files/get-file-by-id", params={"fileId": file_id})
            file: dict[str, Any] = answer.json()["file"]
            if file["operationStatus"] != "PENDING":
                return file
            assert time.monotonic() < until

    def create_draft(self, **fields: Any) -> requests.Response:
        draft = {"title": "On linen", "memberId": fields.pop("memberId", None) or self.member(), **fields}
        return self.call("POST", "/blog/v3/draft-posts", {"draftPost": draft, "fieldsets": ["URL", "RICH_CONTENT"]})


def seconds_until(http_date: str) -> float:
    return parsedate_to_datetime(http_date).timestamp() - time.time()


def completion_request(order: dict[str, Any], name: str = "blog_idea", **changes: Any) -> dict[str, Any]:
    return {
        "model": "gpt-5-mini",
        "messages": [
            {"role": "system", "content": "You write for shops."},
            {"role": "user", "content": f"Rules first.\n<data>\n{json.dumps(order)}\n</data>\nBegin."},
        ],
        "response_format": {"type": "json_schema", "json_schema": {"name": name, "strict": True, "schema": {}}},
        "max_completion_tokens": 3500,
        **changes,
    }

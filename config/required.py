"""The settings that the app can do nothing without, each with where its value comes from."""

from __future__ import annotations

REQUIRED = {
    "OPENAI_API_KEY": "from platform.openai.com",
    "REPLICATE_API_TOKEN": "from replicate.com/account",
    "WIX_APP_ID": "from the app's dashboard at Wix, OAuth page",
    "WIX_APP_SECRET": "from the app's dashboard at Wix, OAuth page",
}

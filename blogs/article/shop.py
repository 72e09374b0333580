"""What the prompts' data block says of a shop."""

from __future__ import annotations

from typing import Any

from blogs.article.quality import Profile

# A prompt names no more of them.
_TERMS_MAX = 60


def described(profile: Profile) -> dict[str, Any]:
    """Return the data block's `profile`: what the shop says of itself, as far as it says anything.

    `brand`, `sells` and `audience` are texts, `voice` a sample of how the shop writes. `avoid` lists words and claims that it never
    wants to read, `competitors` names that are not to be mentioned.
    """
    said = {
        "brand": profile.brand,
        "sells": profile.about,
        "audience": profile.audience,
        "voice": profile.voice,
        "avoid": list(profile.banned_words)[:_TERMS_MAX],
        "competitors": list(profile.competitors)[:_TERMS_MAX],
    }
    return {name: value for name, value in said.items() if value}

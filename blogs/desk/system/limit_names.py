"""Names limits for people. The table knows a shop's own limit by the shop's instance id; staff know the shop by its name."""

from __future__ import annotations

from collections.abc import Iterable

from wix.client.fields import uuid_or_none
from wix.models import Site


def shops(keys: Iterable[str]) -> dict[str, Site]:
    """Find the shops that these keys of limits stand for; a key that is no shop's is left out."""
    wanted = {instance_id for key in keys if (instance_id := uuid_or_none(key))}
    if not wanted:
        return {}
    return {str(site.instance_id): site for site in Site.objects.filter(instance_id__in=wanted)}


def called(provider: str, model: str, key: str, named: dict[str, Site]) -> str:
    """Write the limit's name with its shop's in place of the key."""
    whose = named.get(key, key)
    return " ".join(part for part in (provider, model, f"of {whose}" if key else "") if part)


def waiting_for(waiting: dict[str, int], named: dict[str, Site]) -> str:
    """Say for which limits how many threads wait, where `waiting` has them as `provider:key`."""
    parts = []
    for limit, threads in waiting.items():
        provider, _, rest = limit.partition(":")
        # What stands behind a shared limit's provider is its model.
        words = f"{provider} of {named[rest]}" if rest in named else limit
        parts.append(f"{words}: {threads}")
    return ", ".join(parts)


def keys_of(waiting: dict[str, int]) -> list[str]:
    return [limit.partition(":")[2] for limit in waiting]

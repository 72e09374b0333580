"""Calls to other people's services: `outbound.call` is the one door to them."""

from workers.outbound.door import Call, Provider, call

__all__ = ["Call", "Provider", "call"]

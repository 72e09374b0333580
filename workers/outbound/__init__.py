"""The one door to other people's services: `outbound.call`."""

from workers.outbound.door import Call, Provider, call

__all__ = ["Call", "Provider", "call"]

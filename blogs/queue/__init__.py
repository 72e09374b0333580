"""The fair queue. Its face is what a worker pool needs: `queue.claim` and the other verbs of `source.py`."""

from blogs.queue.source import claim, hand_back, look, promote, recount, renew, rescue, stats

__all__ = ["claim", "hand_back", "look", "promote", "recount", "renew", "rescue", "stats"]

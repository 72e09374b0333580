"""The fair queue. Its face is what a worker pool needs: `queue.claim` and the other verbs of `source.py`."""

from blogs.queue.source import claim, hand_back, promote, recount, renew, rescue, seconds_until_due, stats

__all__ = ["claim", "hand_back", "promote", "recount", "renew", "rescue", "seconds_until_due", "stats"]

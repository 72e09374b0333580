"""The service itself on the support desk: workers, limits, breakers, and webhooks that arrived."""

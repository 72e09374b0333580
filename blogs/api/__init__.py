"""For integrators: the endpoints of the API, and the door through which Wix's webhooks arrive."""

"""Signed webhooks to shops' own addresses: which endpoints there are, what they are told, and how workers send it."""

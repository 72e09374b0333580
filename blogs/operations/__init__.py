"""For operators: health, metrics, alerts, the use of limits, and the proof of the ledger."""

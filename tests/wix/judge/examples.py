"""How many examples the judges are shown, and in what time."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

quick = settings(deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])

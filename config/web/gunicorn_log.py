"""gunicorn's own log, which writes a line for each malformed request: bounded as our lines about strangers are."""

from __future__ import annotations

from typing import Any

from gunicorn.glogging import Logger

from config.logging import BoundedFilter


class Log(Logger):
    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        self.error_log.addFilter(BoundedFilter())

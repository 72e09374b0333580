"""An application that can be started as long as the file FRAGILE is not there; who tries then, leaves a line in it."""

from __future__ import annotations

import os
from pathlib import Path

_file = Path(os.environ["FRAGILE"])
if _file.exists():
    with _file.open("a") as log:
        log.write("tried\n")
    raise ImportError("a release that can't be started")

from config.wsgi import application  # noqa: E402, F401

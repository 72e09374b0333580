"""The system's Chromium: where it is, and how it is installed where it can be. `python -m tests.browser.chromium`"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

# An empty profile, and nothing that looks for updates or other machines.
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
_NAMES = ("chromium", "chromium-browser", "google-chrome")


def path() -> str | None:
    return next(filter(None, map(shutil.which, _NAMES)), None)


def main() -> int:
    """Install Debian's package, as root only. Return 0 where there is one now."""
    if path() is None and os.geteuid() == 0 and shutil.which("apt-get"):
        for arguments in (["update"], ["install", "--yes", "--no-install-recommends", "chromium", "fonts-dejavu-core"]):
            subprocess.run(["apt-get", *arguments], stdout=subprocess.DEVNULL, check=False)
    return 0 if path() else 1


if __name__ == "__main__":
    sys.exit(main())

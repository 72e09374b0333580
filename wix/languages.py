"""A language, as Wix names a site's: by a tag of BCP 47, such as "en" or "pt-BR"."""

from __future__ import annotations

import re

TAG_MAX = 35
# Checks the form alone: it allows less than BCP 47 does, and doesn't ask whether such a language exists.
TAG = re.compile(r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}\Z")

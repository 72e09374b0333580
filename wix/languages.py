"""A language, as Wix names a site's: by a tag of BCP 47, such as "en" or "pt-BR"."""

from __future__ import annotations

import re

TAG_MAX = 35
# Of its form alone: not all that BCP 47 allows, and whether such a language exists is not asked.
TAG = re.compile(r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}\Z")

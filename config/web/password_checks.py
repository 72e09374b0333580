"""How many passwords are checked at once: each takes a third of a second of a processor, on purpose.

Strangers who try to log in from many addresses are locked by none of our counts. So in each web process one password is checked at
a time, two more may wait, and who comes then is told to come back. Browsers that staff have used before have a place of their own.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from config.door import refusals
from config.web import known_browsers

logger = logging.getLogger(__name__)

_WAIT_SECONDS = 3.0
_MAY_BE_HERE = 3


class _Place:
    def __init__(self) -> None:
        self._here = threading.BoundedSemaphore(_MAY_BE_HERE)
        self._checking = threading.Lock()

    @contextmanager
    def taken(self) -> Iterator[bool]:
        """Say whether the place is ours; it is given back at the end."""
        if not self._here.acquire(blocking=False):
            yield False
            return
        try:
            if not self._checking.acquire(timeout=_WAIT_SECONDS):
                yield False
                return
            try:
                yield True
            finally:
                self._checking.release()
        finally:
            self._here.release()


class PasswordChecks:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response
        self._of_anyone, self._of_known = _Place(), _Place()

    def __call__(self, request: HttpRequest) -> HttpResponse:
        path = request.path_info
        if request.method != "POST" or not path.startswith(refusals.DESK) or path != reverse("admin:login"):
            return self._get_response(request)
        place = self._of_known if known_browsers.mark_of(request)[0] else self._of_anyone
        with place.taken() as is_ours:
            if is_ours:
                return self._get_response(request)
        logger.warning("login put off", extra={"action": "login_put_off"})
        answer = refusals.page(request, 429, "Many logins are tried just now. Please try again in a few seconds.")
        answer["Retry-After"] = "3"
        return answer

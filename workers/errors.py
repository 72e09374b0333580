"""Errors of work that needs other services, classed by what the caller should do about them."""

from __future__ import annotations

from enum import Enum

from workers.texts import cut, storable_text

_MESSAGE_MAX = 500


class WorkError(Exception):
    """Holds what a person may read: a stable `code` and one sentence without secrets, which can be stored whatever it repeats."""

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        self.message = cut(storable_text(message), _MESSAGE_MAX)
        super().__init__(self.message)


class TooFast(Enum):
    """What a provider says about the pace of all our calls together."""

    RATE = "more than the limit"
    RAMP = "rising too fast, though within the limit"


class RateLimited(WorkError):
    """Put the work off for `retry_in` seconds and spend no attempt: as far as we know it is not the work's fault.

    `retry_in` is given by who knows when: a provider's answer, or our own limit. None: nothing is known, so it is put off for
    `guess` seconds at first, and for longer when that was not enough. `too_fast` is set if all workers should slow down.
    """

    def __init__(
        self,
        code: str,
        message: str,
        *,
        retry_in: float | None = None,
        guess: float = 10.0,
        too_fast: TooFast | None = None,
    ) -> None:
        super().__init__(code, message)
        self.is_guess = retry_in is None
        self.retry_in = guess if retry_in is None else retry_in
        self.too_fast = too_fast


class ProviderDown(RateLimited):
    """The provider's breaker is open: only probes call it. The message is for shops; staff read the reason in the breaker's row."""

    def __init__(self, provider: str, *, retry_in: float) -> None:
        message = "A service that we need is down; this goes on as soon as it is back."
        super().__init__("provider_down", message, retry_in=retry_in)
        self.provider = provider


class TransientError(WorkError):
    """Try again later; it counts as an attempt. The same call may succeed next time."""


class ProviderFailure(TransientError):
    """A transient error that says more of the provider than of the work: 5xx, no connection, no answer in time."""


class PermanentError(WorkError):
    """Give up: the same call will fail the same way every time."""


class AccountRefused(PermanentError):
    """The provider refuses our key, our quota or a permission.

    `for_all`: it refuses all our calls (a wrong key, a used-up quota), and a person must mend it. Without it, the provider may be
    refusing this one work or site only.
    """

    sign = ""
    """Only refusals of the same sign count together."""

    def __init__(self, code: str, message: str, *, for_all: bool = False) -> None:
        super().__init__(code, message)
        self.for_all = for_all
        self.code_for_all = code
        """The breaker's code, once it is known that all calls are refused."""


class RequestRefused(AccountRefused):
    """The provider refuses a request and doesn't say in words that we know whose fault that is.

    It is the work's own, unless several parties get the same refusal (`sign`) and no call gets through in between. Then the
    provider refuses all our calls, as one does that lacks what we ask it for.
    """

    def __init__(self, code: str, message: str, *, sign: str) -> None:
        super().__init__(code, message)
        self.sign = sign[:100]
        self.code_for_all = "provider_misconfigured"


class LeaseLost(Exception):
    """Another worker holds this work by now: write nothing and leave."""

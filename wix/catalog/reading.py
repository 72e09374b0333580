"""Reads a site's catalog from Wix, to its end. One of the blogs that need it does so; the others wait, or use the last reading.

At 200 calls a minute 12,000 products take 37 s, and longer where the site's other blogs call Wix too. So a reader stops in time for
its stage's deadline and its blog is put off, which costs no attempt. The next reader goes on at the page where it stopped.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from wix.catalog import api, store, upkeep
from wix.catalog.api import NoCatalog, OtherCatalog
from wix.catalog.store import Reading, Shown, Wait
from wix.client import http
from workers.context.deadline import DeadlineExceeded
from workers.errors import RateLimited, TransientError, WorkError

logger = logging.getLogger(__name__)
T = TypeVar("T")

# How long a blog keeps its seat to wait for another reader; if that needs longer, other blogs may have the seat.
PATIENCE_SECONDS = 3.0
_POLL_SECONDS = 0.25
# The share of a stage's time that is spent on reading; the last page may wait for the site's limit.
_SHARE_OF_STAGE = 0.8
# How often one reader begins. A shop moves to the other version once in its life, but Wix may refuse a cursor at any page.
_STARTS = 3


def ensure(instance_id: str, *, seconds: float, patience: float = PATIENCE_SECONDS) -> None:
    """Make sure that there is a catalog to use: read it, or wait for its reader. Raises RateLimited where that takes too long."""
    began = time.monotonic()
    while True:
        match store.state(instance_id):
            case Shown():
                return
            case Wait(left):
                if left > patience or time.monotonic() - began > patience:
                    raise _being_read(left)
                time.sleep(_POLL_SECONDS)
            case Reading() as reading:
                if _read(reading, seconds, stop_at=began + seconds * _SHARE_OF_STAGE):
                    return


def asking(instance_id: str, ask: Callable[[str], T | None], *, seconds: float) -> T | None:
    """Return `ask(version)`; if the version was wrong, learn the shop's version and ask again. None: there are no Stores."""
    version = store.known_version(instance_id) or _learned(instance_id, seconds)
    for _ in range(_STARTS):
        if version not in api.VERSIONS:
            return None
        try:
            return ask(version)
        except (OtherCatalog, NoCatalog) as refused:
            before, version = version, _learned(instance_id, seconds)
            if version == before:
                if isinstance(refused, OtherCatalog) or refused.code == api.PROVISIONING:
                    raise _unsettled() from refused
                return None
    raise _unsettled()


def _learned(instance_id: str, seconds: float) -> str:
    version = api.version(instance_id, seconds=seconds)
    if version not in (*api.VERSIONS, api.NOT_INSTALLED):
        raise http.WixRefused("wix_rejected", f"Wix names a catalog that we don't know: {version!r}", status=428)
    # The lack of Stores is not remembered: they may be installed at any time.
    store.remember_version(instance_id, version if version in api.VERSIONS else "")
    return version


def _read(begun: Reading, seconds: float, *, stop_at: float) -> bool:
    """Read to the end; False where another reader was quicker with a page.

    If it fails while the last reading can still be used, this is no error: the claim stays, so that no blog tries again before it
    runs out.
    """
    reading = begun
    following: Reading | Shown | None = begun
    try:
        while isinstance(following, Reading):
            reading = following
            if time.monotonic() > stop_at:
                raise _being_read(1.0)
            if reading.number - begun.number >= _STARTS:
                raise _unsettled()
            following = _read_on(reading, seconds)
    except (WorkError, DeadlineExceeded) as error:
        products = store.usable_products(reading.instance_id)
        if products is None or (isinstance(error, http.WixRefused) and not products):
            store.leave_off(reading)
            raise
        code = getattr(error, "code", "timeout")
        extra = {"action": "catalogue_not_read", "instance_id": reading.instance_id, "code": code}
        logger.warning("catalog not read again", extra=extra)
        return True
    return following is not None


def _read_on(reading: Reading, seconds: float) -> Reading | Shown | None:
    """Read one page; return what to read next, Shown after the last page, None where another reader was quicker."""
    if reading.version not in api.VERSIONS:
        reading = replace(reading, version=_learned(reading.instance_id, seconds))
        if reading.version not in api.VERSIONS:
            return _nothing(reading, reading.version)
    try:
        page = api.page(reading.instance_id, reading.version, reading.position, seconds=seconds)
    except (OtherCatalog, NoCatalog) as refused:
        version = _learned(reading.instance_id, seconds)
        if version != reading.version:
            return store.start_over(reading, version)
        if isinstance(refused, OtherCatalog):
            raise _unsettled() from refused
        return _nothing(reading, "")
    except http.WixRefused as refused:
        if refused.status != 400 or not reading.position:
            raise
        # The position is from an earlier attempt, or from before a change of the catalog.
        return store.start_over(reading, reading.version)
    following = store.keep(reading, page)
    if following is None or following.position:
        return following
    _report(following)
    upkeep.remove_outdated(following.instance_id)
    return Shown(following.version)


def _nothing(reading: Reading, version: str) -> Shown:
    """Show an empty catalog. Only Wix's word that there are no Stores outweighs products that we read lately."""
    if version != api.NOT_INSTALLED and store.usable_products(reading.instance_id):
        raise _unsettled()
    store.show_nothing(reading, version)
    return Shown(version)


def _report(reading: Reading) -> None:
    extra = {"action": "catalogue_read", "instance_id": reading.instance_id, "products": reading.found}
    logger.info("catalog read", extra=extra)


def _being_read(seconds: float) -> RateLimited:
    return RateLimited("catalogue_being_read", "The shop's products are being read.", guess=seconds)


def _unsettled() -> TransientError:
    return TransientError("wix_unavailable", "Wix does not say yet which catalogue this shop has.")

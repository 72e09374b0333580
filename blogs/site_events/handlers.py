"""The table of Wix's events: which function handles which. A worker works off the stored deliveries by it.

A handler may run twice, be killed between any two of its steps, and run while another handles an event of the same instance.
Deliveries come in any order. So a handler looks at how things are, and makes ours the same.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from uuid import UUID

from blogs.site_events import coming_and_going, plans
from wix import catalog
from wix.identity import sightings
from wix.models import WebhookDelivery
from wix.webhooks import deliveries
from wix.webhooks.deliveries import Outcome, Status

Handler = Callable[[WebhookDelivery, UUID], str]
"""Takes a delivery and its instance's id; returns what it did, for staff to read."""


def _products_changed(delivery: WebhookDelivery, instance_id: UUID) -> str:
    return "its catalog is to be read again" if catalog.refresh(instance_id) else "it is to be read again already"


HANDLERS: Mapping[str, Handler] = {
    coming_and_going.INSTALLED: coming_and_going.installed,
    coming_and_going.REMOVED: coming_and_going.removed,
    plans.INVOICE: plans.invoice_updated,
    sightings.EVENT: coming_and_going.seen,
    **dict.fromkeys(plans.PLAN_EVENTS, plans.changed),
    **dict.fromkeys(catalog.CHANGES, _products_changed),
}


def work_off(go_on: Callable[[], bool] = lambda: True, handlers: Mapping[str, Handler] = HANDLERS) -> int:
    """Work off the deliveries that are due, and return how many. Stops between two of them once `go_on` says no."""
    return deliveries.work_off(lambda delivery: handle(delivery, handlers), go_on)


def handle(delivery: WebhookDelivery, handlers: Mapping[str, Handler] = HANDLERS) -> Outcome:
    handler = handlers.get(delivery.event_type)
    if handler is None:
        return Outcome(Status.IGNORED, "nothing to do for this type")
    if delivery.instance_id is None:
        return Outcome(Status.IGNORED, "it names no instance")
    return Outcome(Status.DONE, handler(delivery, delivery.instance_id))

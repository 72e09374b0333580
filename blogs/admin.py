"""The place where Django looks for an app's admin pages. The pages of all rooms are in `blogs/desk`."""

from blogs.desk.blogs import batches
from blogs.desk.blogs import changelist as blogs
from blogs.desk.money import ledger, prices, spend
from blogs.desk.sites import changelist as sites
from blogs.desk.staff import audit, giving
from blogs.desk.system import breakers, endpoints, limits, webhooks, worker_processes

__all__ = [
    "audit",
    "batches",
    "blogs",
    "breakers",
    "endpoints",
    "giving",
    "ledger",
    "limits",
    "prices",
    "sites",
    "spend",
    "webhooks",
    "worker_processes",
]

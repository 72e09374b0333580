"""The place where Django looks for an app's admin pages. The pages of all rooms are in `blogs/desk`."""

from blogs.desk import blogs, breakers, ledger, limits, sites, webhooks, worker_processes

__all__ = ["blogs", "breakers", "ledger", "limits", "sites", "webhooks", "worker_processes"]

"""Django looks here for an app's admin pages: all pages of the support desk, for all rooms, are in `blogs/desk`."""

from blogs.desk import api_keys, blogs, ledger, limits, sites, webhooks

__all__ = ["api_keys", "blogs", "ledger", "limits", "sites", "webhooks"]

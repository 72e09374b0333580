"""Shops on the support desk: their list, one shop's page, its keys, line and catalog."""

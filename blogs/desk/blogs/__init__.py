"""Blogs on the support desk: their list, one blog's page, and how staff find one."""

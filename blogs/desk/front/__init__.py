"""The first page of the desk: how the service is doing, what to do about it, and the controls."""

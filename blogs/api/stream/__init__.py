"""Live events: what happens to a site's blogs, told while it happens (server-sent events), by a process of its own."""

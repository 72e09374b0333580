"""The support desk as staff see it: in Chromium, on the real web process, on a real PostgreSQL. `make test-browser` runs them."""

"""A load test by HTTP, as `manage.py load_test` runs it: sample shops, their requests, and what became of them."""

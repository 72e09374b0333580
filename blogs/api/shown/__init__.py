"""The fields in which the API shows a blog, and what has to be looked up for them. `blogs/api/shape.py` puts them together."""

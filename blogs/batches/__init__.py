"""Actions of staff on blogs: on one and at once, or on thousands and in portions by the workers."""

"""`make containers`: the images are built and compose.yaml is run with them, by a real engine."""

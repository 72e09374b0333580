"""What is sent to us: fields of their JSON types, times, and names that must be known."""

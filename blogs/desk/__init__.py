"""For support staff: the admin pages of all rooms."""

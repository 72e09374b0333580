"""For support staff: the admin pages of all rooms, in a package for each subject that a ticket is about."""

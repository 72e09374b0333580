"""Staff themselves on the support desk: their roles, and what they did."""

"""What a shop says of itself for all its blogs: kept in versions, filled from Wix, and given to the writer and the gate."""

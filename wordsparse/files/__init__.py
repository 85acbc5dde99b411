"""Files that are written atomically, checksummed, and validated when they are read."""

"""Files that are written atomically, with checksums, and validated when they are read."""

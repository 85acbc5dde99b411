"""Files that are written whole or not at all, checksummed and read with suspicion."""

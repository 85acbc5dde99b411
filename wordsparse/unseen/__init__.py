"""New words, which are convex problems against a finished model."""

"""New words: each is a convex problem against a finished model."""

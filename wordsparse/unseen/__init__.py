"""New words and documents: convex problems against a finished model."""

"""Public texts and test sets: cards that describe them, and their download."""

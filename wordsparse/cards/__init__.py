"""Public texts and test sets: cards that describe them, and code that downloads them."""

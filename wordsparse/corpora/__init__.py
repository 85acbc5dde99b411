"""Public texts: cards that describe them, and a way to fetch them."""

from wordsparse.corpora.cards import Card, card_names, load_card
from wordsparse.corpora.fetching import fetch

__all__ = ["Card", "card_names", "fetch", "load_card"]

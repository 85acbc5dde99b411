"""Counted pairs of words as training data, in place of a text."""

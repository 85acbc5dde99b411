"""Counted pairs of words: trained from as a text is."""

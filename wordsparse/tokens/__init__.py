"""Tokenisers: from a text to its words. Imports nothing large, because every worker process of a filter imports it."""

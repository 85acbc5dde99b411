"""Tokenisers: from a text to its words. It imports nothing large, since each worker process of a filter imports it."""

"""Tokenisers, which split text into words. The package imports nothing large: every worker process imports it."""

"""Tokenisers, which split text into words. This package imports nothing large, because every worker process imports
it."""

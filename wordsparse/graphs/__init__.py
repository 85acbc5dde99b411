"""Graphs as training data: nodes are words, and walks are sentences."""

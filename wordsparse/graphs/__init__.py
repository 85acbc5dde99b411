"""Graphs: their nodes as words, and walks on them as sentences."""

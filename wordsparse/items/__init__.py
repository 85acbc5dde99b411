"""Next items: a memory of pairs of items, and its fusion with the outputs of a model into calibrated probabilities."""

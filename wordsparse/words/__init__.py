"""Word vectors on top of the exact layer: examples from text, the embedding, its recipe and the trained model."""

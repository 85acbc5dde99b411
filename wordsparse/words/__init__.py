"""Word vectors on the exact layer: examples from text, the embedding, its recipe and the trained model."""

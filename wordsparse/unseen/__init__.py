"""Vectors of new words. Each vector solves a convex problem in which the trained model is fixed."""

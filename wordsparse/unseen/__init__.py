"""Vectors of new words. Each vector is the solution of a convex problem in which the trained model is fixed."""

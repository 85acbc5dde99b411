"""The exact output layer: losses, gradients and updates over all outputs. This package knows arrays, not words."""

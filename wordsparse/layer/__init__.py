"""The exact output layer: losses, gradients and updates over all outputs. It deals with arrays, not with words."""

"""The exact output layer: losses, gradients and updates over all outputs. It knows arrays and targets, but no words."""

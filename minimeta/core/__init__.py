"""Rank 0: the array backend, trees, gradients, losses and optimizers that everything stands on."""

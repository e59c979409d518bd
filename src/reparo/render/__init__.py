"""Scene to picture, differentiable."""

"""Tensors, the autograd graph and the backward walk; knows nothing of specs, YAML or screens."""

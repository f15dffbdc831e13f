"""Specs as scripts for JAX: every backward as jax.grad of a function of the leaves."""

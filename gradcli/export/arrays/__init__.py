"""Specs as scripts for NumPy and for JAX: the operations that both have, and what the two scripts share."""

"""Specs as scripts for NumPy: every step forward, and every backward written out."""

"""Specs as scripts for PyTorch."""

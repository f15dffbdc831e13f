"""Specs as scripts of their own: one walk over steps and expression trees, and a printer for each library."""

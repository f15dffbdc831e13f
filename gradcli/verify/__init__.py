"""Judgements: whether values are what they are expected to be."""

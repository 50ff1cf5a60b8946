"""Layers to be explored: products and convolutions as extents, without data."""

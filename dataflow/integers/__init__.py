"""From the model graph, in floats, to the integer graph."""

from .convert import to_integers

__all__ = ["to_integers"]

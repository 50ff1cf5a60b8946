"""All families of converters: importing this registers them."""

from . import activations, quantize

__all__ = ["activations", "quantize"]

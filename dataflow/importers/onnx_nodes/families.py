"""All families of converters: importing this registers them."""

from . import (
    activations,
    convolution,
    elementwise,
    layout,
    matmul,
    normalization,
    pools,
    qonnx,
    qoperator,
    quantize,
    reduce,
    reshape,
    resize,
)

__all__ = [
    "activations",
    "convolution",
    "elementwise",
    "layout",
    "matmul",
    "normalization",
    "pools",
    "qonnx",
    "qoperator",
    "quantize",
    "reduce",
    "reshape",
    "resize",
]

"""Arrays to memory words and back (docs/architecture.md, section 4). A word is a row of bytes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .tiling import PARAMETER_BYTES, ArrayShape, ceil_div


def pack_activations(values: NDArray[Any], lanes: int) -> NDArray[np.uint8]:
    """`[M][K]` to `[k block][M]` words; lanes beyond K are zero."""
    rows, depth = values.shape
    blocks = ceil_div(depth, lanes)
    padded = np.zeros((rows, blocks * lanes), np.int8)
    padded[:, :depth] = values
    words = padded.reshape(rows, blocks, lanes).transpose(1, 0, 2)
    return np.ascontiguousarray(words).reshape(blocks * rows, lanes).view(np.uint8)


def unpack_activations(words: NDArray[np.uint8], rows: int, depth: int) -> NDArray[np.int8]:
    """The inverse of `pack_activations`."""
    lanes = words.shape[1]
    blocks = ceil_div(depth, lanes)
    values = np.ascontiguousarray(words).view(np.int8).reshape(blocks, rows, lanes)
    return np.ascontiguousarray(values.transpose(1, 0, 2).reshape(rows, blocks * lanes)[:, :depth])


def pack_weights(values: NDArray[Any], array: ArrayShape) -> NDArray[np.uint8]:
    """`[K][N]` to `[panel][subpanel][k block][column]` words of `lanes` values of k."""
    if array.dataflow == "weight_stationary":
        return _pack_weight_rows(values, array)
    depth, channels = values.shape
    lanes, cols = array.lanes, array.cols
    blocks, panels = ceil_div(depth, lanes), ceil_div(channels, lanes)
    padded = np.zeros((blocks * lanes, panels * lanes), np.int8)
    padded[:depth, :channels] = values
    split = padded.reshape(blocks, lanes, panels, array.subpanels, cols)
    words = np.ascontiguousarray(split.transpose(2, 3, 0, 4, 1))
    return words.reshape(-1, lanes).view(np.uint8)


def _pack_weight_rows(values: NDArray[Any], array: ArrayShape) -> NDArray[np.uint8]:
    """`[K][N]` to `[panel][subpanel][k block][subblock][row]` words of `cols` columns."""
    depth, channels = values.shape
    lanes, cols = array.lanes, array.cols
    blocks, panels = ceil_div(depth, lanes), ceil_div(channels, lanes)
    padded = np.zeros((blocks * lanes, panels * lanes), np.int8)
    padded[:depth, :channels] = values
    split = padded.reshape(blocks, lanes, panels, array.subpanels, cols)
    words = np.zeros((panels, array.subpanels, blocks, array.b_block_words, lanes), np.int8)
    words[:, :, :, :lanes, :cols] = split.transpose(2, 3, 0, 1, 4)
    return words.reshape(-1, lanes).view(np.uint8)


def pack_parameters(
    bias: NDArray[np.int32], scale: NDArray[np.float32] | NDArray[np.int32], array: ArrayShape
) -> NDArray[np.uint8]:
    """Bias and scale (float32, or a fixed-point scale word) to words `[panel][subpanel]`."""
    channels = len(bias)
    groups = ceil_div(channels, array.lanes) * array.subpanels
    entries = np.zeros((groups * array.cols, PARAMETER_BYTES), np.uint8)
    entries[:channels, :4] = _little_endian(bias).reshape(-1, 4)
    entries[:channels, 4:] = _little_endian(scale).reshape(-1, 4)
    words = np.zeros((groups, array.parameter_words * array.word_bytes), np.uint8)
    words[:, : array.cols * PARAMETER_BYTES] = entries.reshape(groups, -1)
    return words.reshape(-1, array.word_bytes)


def _little_endian(values: NDArray[np.float32] | NDArray[np.int32]) -> NDArray[np.uint8]:
    return np.ascontiguousarray(values, values.dtype.newbyteorder("<")).view(np.uint8)

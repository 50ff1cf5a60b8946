"""Port shapes that the parts of the pruner share."""

from amaranth.hdl import unsigned
from amaranth.lib import data

from .params import NMPruneParams


def group_layout(params: NMPruneParams) -> data.StructLayout:
    """A group of values; `last` on the last group of a packet."""
    values = data.ArrayLayout(unsigned(params.value_format.bits), params.group)
    return data.StructLayout({"values": values, "last": 1})


def elements_layout(params: NMPruneParams) -> data.StructLayout:
    """What is left of a group: elements in index order, and which of them are there."""
    elements = data.ArrayLayout(unsigned(params.element_bits), params.max_kept)
    return data.StructLayout({"elements": elements, "mask": params.max_kept, "last": 1})


def word_layout(params: NMPruneParams) -> data.StructLayout:
    """A weight word of nm_sparse: an element of each column."""
    elements = data.ArrayLayout(unsigned(params.element_bits), params.cols)
    return data.StructLayout({"elements": elements, "last": 1})

"""Shapes of the zero_skip template's streams, outside and between its parts."""

from amaranth.hdl import Shape, unsigned
from amaranth.lib import data

from .params import ZeroSkipParams

__all__ = [
    "input_layout",
    "output_layout",
    "result_shape",
    "routed_layout",
    "selected_layout",
    "slot_layout",
    "value_shape",
]


def value_shape(params: ZeroSkipParams) -> Shape:
    """One input element."""
    return Shape(params.value.bits, params.value.signed)


def result_shape(params: ZeroSkipParams) -> Shape:
    """One result."""
    return Shape(params.result.bits, params.result.signed)


def input_layout(params: ZeroSkipParams) -> data.StructLayout:
    """Values of all lanes, which of them are elements, end of the packet."""
    return data.StructLayout(
        {
            "values": data.ArrayLayout(value_shape(params), params.lanes),
            "mask": params.lanes,
            "last": 1,
        }
    )


def output_layout(params: ZeroSkipParams) -> data.StructLayout:
    """Results, their positions in the packet, which lanes hold one, end of the packet."""
    return data.StructLayout(
        {
            "values": data.ArrayLayout(result_shape(params), params.lanes),
            "indices": data.ArrayLayout(params.index_bits, params.lanes),
            "mask": params.lanes,
            "last": 1,
        }
    )


def selected_layout(params: ZeroSkipParams) -> data.StructLayout:
    """A word of results in their lanes: `mask` are those to keep, `word` is its number."""
    return data.StructLayout(
        {
            "values": data.ArrayLayout(result_shape(params), params.lanes),
            "mask": params.lanes,
            "word": unsigned(params.word_bits),
            "last": 1,
        }
    )


def slot_layout(params: ZeroSkipParams) -> data.StructLayout:
    """A result and its position."""
    return data.StructLayout({"value": result_shape(params), "index": params.index_bits})


def routed_layout(params: ZeroSkipParams) -> data.StructLayout:
    """A word's kept results in the slots where they leave.

    `is_over`: with what is open they are more than an output word holds.
    """
    return data.StructLayout(
        {
            "slots": data.ArrayLayout(slot_layout(params), params.lanes),
            "mask": params.lanes,
            "is_over": 1,
            "last": 1,
        }
    )

"""Port shapes of the top-k template."""

from amaranth.lib import data, stream
from amaranth.lib.wiring import In, Out

from .params import TopKParams


def input_layout(params: TopKParams) -> data.StructLayout:
    """An input word: keys as plain bits, which lanes are valid, `last` of a packet."""
    return data.StructLayout(
        {
            "keys": data.ArrayLayout(params.key.bits, params.lanes),
            "mask": params.lanes,
            "last": 1,
        }
    )


def output_layout(params: TopKParams) -> data.StructLayout:
    """An output word: pairs and which of them are results, or the bit mask alone."""
    if params.order == "mask":
        return data.StructLayout({"mask": params.lanes, "last": 1})
    return data.StructLayout(
        {
            "keys": data.ArrayLayout(params.key.bits, params.out_lanes),
            "indices": data.ArrayLayout(params.index_bits, params.out_lanes),
            "mask": params.out_lanes,
            "last": 1,
        }
    )


def engine_members(params: TopKParams) -> dict[str, object]:
    """Members of every engine, and of the template itself."""
    return {
        "k": In(stream.Signature(params.k_bits)),
        "i": In(stream.Signature(input_layout(params))),
        "o": Out(stream.Signature(output_layout(params))),
    }

"""Payloads of the top-k template's streams."""

from amaranth.lib import data

from .params import TopKParams


def input_layout(params: TopKParams) -> data.StructLayout:
    """A word of keys: those of lanes in `mask` are valid."""
    return data.StructLayout(
        {
            "keys": data.ArrayLayout(params.key.bits, params.lanes),
            "mask": params.lanes,
            "last": 1,
        }
    )


def output_layout(params: TopKParams) -> data.StructLayout:
    """A word of results: pairs in the lanes of `mask` and zeros elsewhere, or the mask alone."""
    lanes = params.out_lanes
    if params.order == "mask":
        return data.StructLayout({"mask": lanes, "last": 1})
    return data.StructLayout(
        {
            "keys": data.ArrayLayout(params.key.bits, lanes),
            "indices": data.ArrayLayout(params.index_bits, lanes),
            "mask": lanes,
            "last": 1,
        }
    )

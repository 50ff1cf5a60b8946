"""Port shapes that the parts of the sddmm template share."""

from amaranth.hdl import signed
from amaranth.lib import data

from ..lib.layout import command_layout
from .params import LaneParams, SddmmParams


def slot_layout(params: SddmmParams) -> data.StructLayout:
    """A word of the schedule; `SddmmParams.slot_format` has the fields."""
    return command_layout(params.slot_format)


def entry_layout(params: LaneParams) -> data.StructLayout:
    """What a lane does in a slot; `SddmmParams.entry_format` has the rules."""
    return data.StructLayout(
        {
            "is_active": 1,
            "bank": params.bank_bits,
            "query": params.query_bits,
            "position": params.position_bits,
            "row": params.row_bits,
            "has_score": 1,
            "is_row_end": 1,
            "is_end": 1,
        }
    )


def query_layout(params: SddmmParams) -> data.StructLayout:
    """A word of `q`: `products` elements for each lane (lane 0 lowest), or for all lanes; `last` on
    the last word of a row.
    """
    return data.StructLayout({"data": params.query_word_bits, "last": 1})


def score_layout(params: LaneParams) -> data.StructLayout:
    """A word that leaves a lane: a score of a row, or none; `is_end`: the packet's last of this
    lane; `last`: the row's last of this lane.
    """
    return data.StructLayout(
        {
            "score": signed(params.dot.accumulator_bits),
            "row": params.row_bits,
            "has_score": 1,
            "is_end": 1,
            "last": 1,
        }
    )


def row_layout(params: SddmmParams) -> data.StructLayout:
    """A word of the row stream: `lanes` scores of which those of `mask` belong to `row`; `is_end`:
    the packet's last word; `last`: the row's last word.
    """
    return data.StructLayout(
        {
            "scores": data.ArrayLayout(signed(params.accumulator_bits), params.lanes),
            "mask": params.lanes,
            "row": params.lane_params.row_bits,
            "is_end": 1,
            "last": 1,
        }
    )

"""Port shapes that the parts of the spmm template share."""

from amaranth.hdl import ShapeLike, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from .params import LaneParams, SpmmParams


def entry_layout(params: LaneParams) -> data.StructLayout:
    """What a lane does in one cycle, and what becomes of the sum after it.

    `limbs`: a limb of each value of the stored column (one value, or `block_rows` of them);
    `position`: limb number, its product is shifted by position * limb_bits; `is_high`: the limbs
    are the values' highest (its top bit is the sign in a signed format). `is_product`: there is a
    product to add. `accumulator`: which of the two; `first`: it starts from 0. `closes`: the sum
    after this product is a result: it `waits` for the sum of the lane to the right if its row goes
    on there, and `sends` its sum to the lane to the left if the row began there; else it leaves
    with `row`. `last`: nothing leaves this lane after it in this packet; with `closes` only. A
    closing entry without a product leaves a word without a row.
    """
    members = {"limbs": data.ArrayLayout(unsigned(params.limb_bits), params.block_rows)}
    if params.num_limbs > 1:
        members |= {"position": unsigned(params.shift_bits), "is_high": 1}
    flags = ("is_product", "accumulator", "first", "closes", "sends", "waits", "last")
    return data.StructLayout(members | dict.fromkeys(flags, 1) | {"row": params.row_bits})


def operand_members(params: LaneParams) -> dict[str, ShapeLike]:
    """The fields of an entry that say what is multiplied."""
    names = ("limbs", "position", "is_high", "is_product")
    return {name: field.shape for name, field in entry_layout(params) if name in names}


def result_layout(params: LaneParams) -> data.StructLayout:
    """A word that leaves a lane: `sums` (row 0 of a block lowest, column 0 lowest), where they
    belong, whether there are any, and whether the lane is done with the packet.
    """
    return data.StructLayout(
        {
            "sums": params.sums_bits,
            "row": params.row_bits,
            "panel": params.panel_bits,
            "has_row": 1,
            "last": 1,
        }
    )


def static_word_layout(params: SpmmParams) -> data.StructLayout:
    """A word of the schedule: what every bank reads and every lane does in one cycle."""
    lane, store = params.lane_params, params.store_params
    action = data.StructLayout(
        {"entry": entry_layout(lane), "bank": unsigned(store.mux_params.select_bits)}
    )
    return data.StructLayout(
        {
            "addresses": data.ArrayLayout(unsigned(store.address_bits), store.banks),
            "actions": data.ArrayLayout(action, params.lanes),
            "panel": lane.panel_bits,
            "last": 1,
        }
    )


def front_members(params: SpmmParams) -> dict[str, wiring.Member]:
    """What every front end has between the store and the lanes; directions as it sees them.

    Store: ``is_full``, ``free``, ``addresses``, ``read``, ``bank_words`` as in ``BankedStore``.
    Lanes: ``starts``, ``entries``, ``panels`` and, one cycle after a start, ``lane_words``, all as
    in ``Lane``; bit n of ``have_room`` and ``have_spare`` is that of lane n.
    """
    lane, store = params.lane_params, params.store_params
    return {
        "is_full": In(1),
        "free": Out(1),
        "addresses": Out(data.ArrayLayout(store.address_bits, store.banks)),
        "read": Out(1),
        "bank_words": In(store.banks * store.word_bits),
        "have_room": In(params.lanes),
        "have_spare": In(params.lanes),
        "starts": Out(1).array(params.lanes),
        "entries": Out(entry_layout(lane)).array(params.lanes),
        "panels": Out(lane.panel_bits).array(params.lanes),
        "lane_words": Out(lane.word_bits).array(params.lanes),
    }

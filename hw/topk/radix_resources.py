"""What the radix_select engine is made of, part by part. Pure."""

from ..lib.memory_mapping import Memory
from ..lib.structure import Structure, bits_of
from .params import TopKParams
from .radix_params import DECISIONS, DigitParams, digit_params

LANES_PER_PART = 4


def radix_select(s: Structure, p: TopKParams) -> None:
    """All passes, and the emitter."""
    passes = digit_params(p)
    for part in passes:
        _pass(s, part)
    s.registers("join", 1 + p.k_bits)
    s.gates("join", 2 * p.k_bits + 2 * p.lanes)
    _emit(s, p, passes[-1])


def _pass(s: Structure, d: DigitParams) -> None:
    """Buffer, decisions, counters, what the decision makes of the words."""
    lanes = d.lanes
    s.fifo("buffer", d.buffer_bits, d.buffer_depth, block=d.buffer.uses_block)
    s.fifo("decisions", d.digit_bits + d.target_bits + 1, DECISIONS, block=False)
    room = DECISIONS.bit_length()
    s.registers("control", 3 + d.target_bits + 1 + d.target_bits + 2 + 1 + room)
    s.count("control", 2 * room + 12)
    s.less("split", d.digit_bits, lanes)
    s.equal("split", d.digit_bits, lanes)
    s.gates("split", 3 * lanes)
    _coarse(s, d)
    if d.fine_bits:
        _fine(s, d)


def _coarse(s: Structure, d: DigitParams) -> None:
    bins = 1 << d.coarse_bits
    # Only a pass that can settle a packet looks at how many are above: others keep what k needs.
    settles = not d.fine_bits and d.digit_start > 0
    kept = d.count_bits if settles else min(d.count_bits, d.target_bits)
    used = bins if settles else bins - 1
    s.registers("reached", used * d.lanes)
    s.gates("reached", (bins - 1) * d.lanes)
    s.registers("coarse", used * d.count_bits)
    s.add("coarse", d.count_bits, used)
    s.ones("coarse_sum", d.lanes, used)
    s.registers("search", d.target_bits + used * kept + bins - 1)
    s.less("search", max(d.count_bits, d.target_bits), bins)
    s.gather("search", bins, kept + (kept if settles else 0))
    s.count("search", 2 * kept)
    delay = d.num_groups + 3 if d.fine_bits else 1
    s.registers("search", delay + 1)


def _fine(s: Structure, d: DigitParams) -> None:
    lanes, bins = d.lanes, d.bins_per_row
    row = bins * d.lane_count_bits
    s.registers("fine_control", lanes * (d.digit_bits + 1) + bits_of(d.num_groups + 2))
    s.count("fine_control", 2 * bits_of(d.num_groups + 2))
    s.memory(
        "fine",
        Memory(width=row + d.tag_bits, depth=1 << d.row_bits, num=2 * lanes, read="combinational"),
    )
    s.gates("fine", 2 * lanes * row)
    s.gates("fine_choice", lanes * row)
    s.equal("fine_tags", d.tag_bits, 2 * lanes)
    s.choose("fine_address", 2, d.row_bits, 2 * lanes)
    parts = -(-lanes // LANES_PER_PART)
    s.registers("fine_sums", bins * d.count_bits * (parts + 1))
    s.add("fine_sums", d.count_bits, bins * (lanes - 1))
    s.registers("fine_control", 2 * d.tag_bits + 2)
    s.count("fine_control", 2 * d.tag_bits)
    groups = d.num_groups
    state = d.fine_bits + d.target_bits + 2
    walk = groups + 2 + d.coarse_bits + d.target_bits + 2 * bits_of(max(2, groups))
    s.registers("fine_walk", walk + state)
    s.less("fine_walk", d.count_bits, bins)
    s.gather("fine_walk", bins, 2 * d.count_bits)


def _emit(s: Structure, p: TopKParams, last: DigitParams) -> None:
    """Of equal keys the first ones; output words."""
    lanes, target = p.lanes, last.target_bits
    held = lanes * (last.passed_bits + 2) + target + 1
    s.registers("emit", held + 2 + target + 1)
    s.gates("emit_counts", 2 * lanes * (lanes - 1))
    s.less("emit", target, lanes)
    s.count("emit", 3 * target)
    s.registers("emit", lanes + 1)
    if p.order == "mask":
        return
    s.registers("pairs", p.index_bits + lanes * (p.key.bits + p.index_bits))
    s.gates("pairs", lanes * p.index_bits)
    s.count("pairs", p.index_bits * (1 if lanes & (lanes - 1) == 0 else lanes))

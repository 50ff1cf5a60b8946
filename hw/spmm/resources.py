"""What a kernel of a sparse matrix times a dense one is made of, part by part. Pure."""

from ..lib.banked_resources import banked_store
from ..lib.structure import Structure, bits_of, dsp_blocks
from .cost import ISSUE_TO_ITEM_CYCLES
from .params import LaneParams, SpmmParams


def structure(params: SpmmParams, family: str) -> Structure:
    """LUTs, registers, memories and products of an `SpmmKernel`."""
    s = Structure(family, "spmm")
    s.kind = f"spmm.{params.mode}"
    s.levels = (params.lane_params.num_limbs > 1) + (params.mode == "dynamic")
    p = params
    banked_store(s, p.store_params)
    _lanes(s, p)
    if p.mode == "broadcast":
        s.registers("front", 1)
    else:
        s.registers("front", p.lanes * p.store_params.mux_params.select_bits)
        s.choose("bank_choice", p.banks, p.store_params.word_bits, p.lanes)
    s.reduce("front", 2 * p.lanes + 4)
    if p.mode == "dynamic":
        _windows(s, p)
        _arbiter(s, p)
    return s


def _lanes(s: Structure, p: SpmmParams) -> None:
    """Entries beside their words, products, sums, results, merging of pieces."""
    lane, num = p.lane_params, p.lanes
    _entries(s, p)
    s.registers(f"word{_block_suffix(s, p)}", num * lane.word_bits)
    sums, width = lane.num_sums, lane.accumulator_bits
    _products(s, lane, num * sums)
    accumulators = 1 if p.mode == "broadcast" else 2
    s.registers("sums", num * sums * accumulators * width)
    # Where nothing lies between, a multiplier block may add, and hold a single sum.
    is_in_block = s.costs.dsp_adds and lane.num_limbs == 1
    s.add("sums.in_block" if is_in_block else "sums", width, num * sums)
    if accumulators > 1:
        s.gates("sum_choice", width, num * sums)
    else:
        s.gates("sum_clear", width, num * sums)
    if lane.num_limbs > 1:
        product = lane.limb_bits + (not _is_unsigned(lane)) + lane.b_format.bits
        shifted = product + (lane.num_limbs - 1) * lane.limb_bits
        s.choose("shift", lane.num_limbs, shifted, num * sums)
    item = lane.result_bits + 1 + 2
    for _ in range(num):
        s.fifo("results", item, lane.result_words)
    room = lane.result_words.bit_length()
    s.registers("room", num * room)
    s.add("room", 2 * room, num)
    s.registers("merge", num * (item + 1) + 1)
    s.registers("carry", (num - 1) * (lane.sums_bits + 1))
    s.add("carry", width, (num - 1) * sums)
    s.choose("merge", 2, lane.sums_bits, num - 1)
    s.gates("merge_control", 10 * num)


def _entries(s: Structure, p: SpmmParams) -> None:
    """An entry beside its word, product and sum: what all lanes share is kept once."""
    lane = p.lane_params
    stages = ISSUE_TO_ITEM_CYCLES
    operand = lane.block_rows * lane.limb_bits
    own = 1 if p.mode == "broadcast" else p.lanes
    shared = own if p.mode == "dynamic" else 1
    flags = 0 if lane.num_limbs > 1 and not lane.a_format.signed else shared * stages
    s.registers("entries", own * operand + flags)
    s.registers(f"entries{_block_suffix(s, p)}", own * operand)
    unused = {"static": 0, "dynamic": 0, "broadcast": 3}[p.mode]
    s.delay("entry_delays", own * (lane.entry_bits - operand - unused), stages)
    s.delay("entry_delays", shared * lane.panel_bits, stages)


def _products(s: Structure, lane: LaneParams, num: int) -> None:
    is_unsigned = _is_unsigned(lane)
    limb_bits = lane.limb_bits + (not is_unsigned)
    s.multiply("products", limb_bits, lane.b_format.bits, num, is_unsigned=is_unsigned)


def _is_unsigned(lane: LaneParams) -> bool:
    """A limb is signed, which only two unsigned formats let synthesis see through."""
    return not (lane.a_format.signed or lane.b_format.signed)


def _block_suffix(s: Structure, p: SpmmParams) -> str:
    """Of the registers of operands, which multiplier blocks hold if they are plain: the sign of a
    limb depends on its place; a choice from a number of banks that is no power of two has a reset,
    which not every family's blocks are given.
    """
    lane = p.lane_params
    is_plain = lane.num_limbs == 1 or not lane.a_format.signed
    has_reset = p.mode != "broadcast" and p.banks & (p.banks - 1) > 0
    is_plain &= s.costs.dsp_resets or not has_reset
    limb_bits = lane.limb_bits + (not _is_unsigned(lane))
    blocks = dsp_blocks(limb_bits, lane.b_format.bits, s.family, is_unsigned=_is_unsigned(lane))
    return ".in_block" if is_plain and blocks else ""


def _windows(s: Structure, p: SpmmParams) -> None:
    """Per lane: entries that move up, what went, how rows end."""
    lane, lanes, depth = p.lane_params, p.lanes, p.window
    operand = lane.block_rows * lane.limb_bits + 1
    operand += lane.shift_bits + 1 if lane.num_limbs > 1 else 0
    bank = bits_of(p.banks)
    entry = bank + p.store_params.address_bits + operand
    s.registers("window", lanes * (depth + 1) * (entry + 2 + 2))
    s.choose("window", 3, entry + 3, lanes * depth)
    s.gates("window_flags", 9 * depth * lanes)
    s.choose("window_free", p.banks, 1, lanes * depth)
    s.registers("issue", lanes * (entry + 8))
    s.gather("issue", depth, entry + 2, lanes)
    s.reduce("asks", bank + 2, 2 * lanes * p.banks)
    s.gather("asks", depth, bank, lanes)
    ending = 2 + lane.row_bits + lane.panel_bits
    for _ in range(lanes):
        s.fifo("endings", ending, depth + 2, block=False)


def _arbiter(s: Structure, p: SpmmParams) -> None:
    rounds = min(2, p.window)
    s.registers("turn", p.lanes)
    s.gates("turn", 2 * p.lanes)
    s.gates("arbiter", 3 * p.lanes * p.banks * rounds)
    s.reduce("arbiter_any", p.lanes, 2 * p.banks * rounds)
    s.reduce("wins", p.banks, p.lanes * rounds)
    s.gather("addresses", p.lanes, p.store_params.address_bits, p.banks)
    s.reduce("reads", bits_of(p.banks) + 1, p.lanes * p.banks)

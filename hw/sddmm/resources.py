"""What a kernel of sampled dot products is made of, part by part. Pure."""

from ..lib.banked_resources import banked_store
from ..lib.memory_mapping import Memory
from ..lib.structure import Structure, dsp_blocks
from .params import SddmmParams

TERMS_PER_STAGE = 4


def structure(params: SddmmParams, family: str) -> Structure:
    """LUTs, registers, memories and products of an `SddmmKernel`."""
    s = Structure(family, "sddmm")
    s.kind = f"sddmm.{params.output}"
    p = params
    banked_store(s, p.store_params)
    s.registers("slots", p.slot_format.width + 1)
    _issue(s, p)
    for _ in range(p.lanes):
        _window(s, p)
        _dot(s, p)
    if p.is_row_stream:
        _rows(s, p)
    return s


def _issue(s: Structure, p: SddmmParams) -> None:
    lane, count, address = p.lane_params, p.count_bits, p.store_params.address_bits
    chunk = (p.max_chunks - 1).bit_length()
    s.registers("issue", 3 * count + lane.query_bits + (1 + 2 * lane.chunk_bits if chunk else 0))
    s.count("issue", 3 * lane.chunk_bits + 5 * count + lane.query_bits)
    s.registers("addresses", p.banks * address)
    s.add("addresses", address, p.banks)
    s.choose("addresses", 2, address, p.banks)
    s.registers("issue", lane.query_bits + chunk)
    s.registers("issue", 5 + 2 * p.dot_params.tree_stages)


def _window(s: Structure, p: SddmmParams) -> None:
    """Scores in the order of their places, query rows, the key word of a bank."""
    lane = p.lane_params
    window, position = lane.window, lane.position_bits
    told = lane.row_bits + 3
    s.registers("window", 2 * window + position)
    s.reduce("window", position + 2, 3 * window)
    s.gates("window", 2 * window)
    s.choose("window_bits", window, 1, 2)
    s.registers("place", 2 * position)
    s.count("place", 3 * position)
    for width in (p.accumulator_bits, told):
        s.memory("scores", Memory(width=width, depth=window, read="combinational"))
    if not p.is_row_stream:  # there, what is left out of a word is left out once
        s.gates("score", p.accumulator_bits)
    s.registers("entry", 1 + lane.bank_bits * (p.banks > 1) + lane.query_bits + position)
    s.add("entry", lane.query_bits)
    cycles = 3 + p.dot_params.tree_stages
    s.delay("under_way", position, cycles)
    s.delay("under_way", 1, cycles - 1)
    s.registers("under_way", 1)
    _operands(s, p)


def _operands(s: Structure, p: SddmmParams) -> None:
    """The words of queries and keys: their registers move into multiplier blocks, if both can. That
    of a word chosen from a number of banks that is no power of two has a reset, and cannot.
    """
    lane, dot = p.lane_params, p.dot_params
    a, b = dot.query_format, dot.key_format
    depth = max(2, lane.query_words)
    queries = Memory(width=lane.query_word_bits, depth=depth, has_old_words=True)
    in_blocks = dsp_blocks(a.bits, b.bits, s.family, is_unsigned=not (a.signed or b.signed))
    in_blocks = in_blocks and (s.costs.dsp_resets or p.banks & (p.banks - 1) == 0)
    suffix = ".in_block" if in_blocks else ""
    s.memory("queries", queries, register=f"queries{suffix}")
    s.registers(f"key_word{suffix}", lane.key_word_bits)
    s.choose("key_word", p.banks, lane.key_word_bits)


def _dot(s: Structure, p: SddmmParams) -> None:
    dot = p.dot_params
    a, b = dot.query_format, dot.key_format
    is_unsigned = not (a.signed or b.signed)
    s.multiply("products", a.bits, b.bits, dot.products, is_unsigned=is_unsigned)
    terms, bits = dot.products, a.bits + b.bits
    for _ in range(dot.tree_stages):
        left = -(-terms // TERMS_PER_STAGE)
        s.sums("tree", bits + 1, terms, left)
        terms, bits = left, bits + 2
        s.registers("tree", terms * bits)
    s.registers("score", p.accumulator_bits)
    s.add("score_sum", p.accumulator_bits)
    if not is_unsigned:  # else the first sum clears the bits above it
        s.gates("score_choice", p.accumulator_bits)


def _rows(s: Structure, p: SddmmParams) -> None:
    word = p.lanes * (p.accumulator_bits + 1) + p.lane_params.row_bits + 2
    s.registers("rows", word + 1 + p.lanes)
    s.gates("rows", p.lanes * p.accumulator_bits)
    s.gather("rows", p.lanes, p.lane_params.row_bits)
    s.count("rows", 4 * p.lanes)

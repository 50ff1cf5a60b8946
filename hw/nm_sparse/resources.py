"""What an array for compressed weights is made of, part by part. Pure."""

from ..lib.memory_mapping import Memory
from ..lib.structure import Structure, bits_of
from ..systolic.cost import packets_under_way
from ..systolic.drain_resources import drain
from ..systolic.params import FeedParams
from ..systolic.resources import SPACE, collect, feed, packets, pes, skew, start, walker
from .params import NMSparseParams


def structure(params: NMSparseParams, family: str) -> Structure:
    """LUTs, registers, memories and products of an `NMSparseKernel`."""
    s = Structure(family, SPACE)
    s.kind = f"nm_sparse.{params.output}"
    p = params
    walker(s, p)
    s.registers("walker", p.index_bits)
    s.count("walker", 2 * p.index_bits)
    _groups(s, p)
    buffer = FeedParams(word_bits=p.b_word_bits, block_words=1, num_blocks=p.edge_blocks)
    feed(s, buffer, p.b_word_bits)
    skew(s, p.cols, p.weight_bits)
    pes(s, p, passes_a=p.mux == "row")
    _choices(s, p)
    collect(s, p)
    start(s, p, 1)
    packets(s, p, packets_under_way(p))
    drain(s, p)
    return s


def _groups(s: Structure, p: NMSparseParams) -> None:
    """Banks of activations, one per row, and their counts."""
    parts = p.group_words
    s.memory(
        "banks",
        Memory(width=parts * p.part_bits, depth=p.edge_groups, num=p.rows, lanes=parts),
    )  # fmt: skip
    slot = bits_of(p.edge_groups)
    words, groups = (p.edge_groups * parts).bit_length(), p.edge_groups.bit_length()
    s.registers("groups", words + groups + (parts - 1).bit_length() + 3 * slot + 1)
    s.count("groups", 2 * words + 2 * groups + 2 * parts + 3 * slot)
    index = p.index_bits if p.mux == "row" else 0
    s.registers("control", p.rows * (slot + 2 + index) + index)


def _choices(s: Structure, p: NMSparseParams) -> None:
    """An operand of the group that passes: by each PE, or once by each row."""
    bits = p.a_format.bits
    if p.mux == "row":
        s.choose("choice", p.group, bits, p.rows)
        return
    num = p.rows * p.cols
    s.choose("choice", p.group, bits, num)
    s.registers("passing", p.rows * (p.cols - 1) * p.group_bits)
    s.registers("passing", (p.rows - 1) * p.cols * p.index_bits)

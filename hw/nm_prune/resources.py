"""What a pruner is made of, part by part. Pure."""

from ..lib.structure import Structure, bits_of
from . import cost
from .params import NMPruneParams


def structure(params: NMPruneParams, family: str) -> Structure:
    """LUTs, registers and memories of an `NMPrunerKernel`."""
    s = Structure(family, "nm_prune")
    s.kind = f"nm_prune.{params.output}"
    p = params
    group, bits, index = p.group, p.value_format.bits, p.index_bits
    is_words = p.output == "words"
    s.fifo("control", index, cost.HELD_COMMANDS)
    room = cost.BUFFERED_GROUPS.bit_length()
    s.registers("control", room + (2 + index * is_words) * cost.PIPELINE_CYCLES)
    s.count("control", 2 * room)
    s.registers("control", 2 * index)
    _select(s, p)
    s.fifo("output", p.max_kept * (p.element_bits + 1) + 1 + index * is_words, cost.BUFFERED_GROUPS)
    if is_words:
        column = p.max_kept * p.element_bits
        s.registers("columns", 2 * p.cols * column)
        # A column that leaves moves up: no element comes to the place of the last one.
        s.five("columns", p.cols * (p.max_kept - 1) * p.element_bits)
        s.gates("columns", p.cols * p.element_bits)
        s.registers("columns", bits_of(p.cols) + index + 2)
        s.count("columns", 2 * index + p.cols)
    # Unsigned values are their own magnitudes: the first register of both is one.
    s.delay("values", group * bits, 4 if p.value_format.signed else 3)
    return s


def _select(s: Structure, p: NMPruneParams) -> None:
    """Magnitudes, comparisons of all pairs, ranks, places."""
    group, bits = p.group, p.value_format.bits
    s.registers("magnitudes", group * bits)
    if p.value_format.signed:
        s.add("magnitudes", bits, group)
    pairs = group * (group - 1)
    s.registers("pairs", pairs + group)
    s.less("pairs", bits, pairs / 2)
    s.reduce("zeros", bits, group)
    s.registers("rank", 2 * group)
    s.ones("rank", group - 1, group)
    s.less("rank", p.index_bits, group)
    s.registers("rank", sum(i.bit_length() for i in range(group)))
    s.gates("prefix", sum(range(group)))
    s.registers("places", p.max_kept * (p.element_bits + 1))
    s.gather("places", group, bits + p.index_bits / 2, p.max_kept)
    s.reduce("finds", p.index_bits + 2, group * p.max_kept)

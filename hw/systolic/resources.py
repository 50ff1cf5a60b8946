"""What a systolic kernel is made of, part by part. Pure."""

from ..lib.memory_mapping import Memory
from ..lib.structure import Structure, bits_of
from . import cost
from .drain_resources import drain
from .params import GROUP, NUM_LOOPS, FeedParams, SystolicParams
from .resources_ws import known_packets, products, weight_stationary

SPACE = "systolic"
"""Whose parts they are: arrays for compressed weights and accelerators share them."""

BLOCK_FLAGS = 5
"""First and last of what a block is."""


def structure(params: SystolicParams, family: str) -> Structure:
    """LUTs, registers, memories and products of a `SystolicKernel`."""
    s = Structure(family, SPACE)
    s.kind = f"{params.dataflow}.{params.output}"
    core(s, params)
    return s


def core(s: Structure, p: SystolicParams) -> None:
    """The same, added to what there is."""
    walker(s, p)
    if p.dataflow == "weight_stationary":
        weight_stationary(s, p)
    else:
        _edges(s, p)
        for name, bits in (("a", p.a_word_bits), ("b", p.b_word_bits)):
            words = cost.a_block_words(p) if name == "a" else cost.b_block_words(p)
            is_inner = (p.a_feed if name == "a" else p.b_feed) == "k_inner"
            lanes = p.lanes if is_inner else p.rows if name == "a" else p.cols
            buffer = FeedParams(word_bits=bits, block_words=words, num_blocks=p.edge_blocks)
            feed(s, buffer, bits // p.lanes * lanes)
        pes(s, p)
        collect(s, p)
        start(s, p, cost.block_cycles(p))
        packets(s, p, cost.packets_under_way(p))
    drain(s, p)


def walker(s: Structure, p: SystolicParams) -> None:
    """A command, the place in its loops; the blocks, or the command, that wait."""
    width, bound = p.command_format.width, p.bound_bits
    waiting = width + 1
    if p.dataflow == "output_stationary":
        sets = p.param_sets.bit_length() if p.has_parameters else 0
        waiting = 2 * (BLOCK_FLAGS + sets + width - NUM_LOOPS * bound + 1)
    s.registers("walker", width + 1 + waiting)
    s.registers("loops", NUM_LOOPS * (bound + 2))
    s.registers("loops", NUM_LOOPS + 1 if p.dataflow == "output_stationary" else 0)
    s.add("loops", bound, NUM_LOOPS)
    s.reduce("loops", bound, 3 * NUM_LOOPS)
    s.five("loops", bound, NUM_LOOPS)
    s.gates("walker", 10)
    if p.dataflow == "output_stationary":
        s.gates("walker", waiting // 2)


def feed(s: Structure, p: FeedParams, used_bits: int) -> None:
    """An edge buffer of blocks of words, of which `used_bits` are looked at."""
    depth, pointer = p.depth_words, bits_of(p.depth_words)
    s.memory("feed", Memory(width=p.word_bits, depth=depth,
                            used_bits=used_bits))  # fmt: skip
    level, block = depth.bit_length(), (p.block_words - 1).bit_length()
    s.registers("feed", 3 * pointer + level + block + 5)
    s.count("feed", 3 * pointer + 4 * level + block)


def pes(s: Structure, p: SystolicParams, *, passes_a: bool = True) -> None:
    """Operands, products, sums; two columns may share a product. `passes_a`: to the right."""
    rows, cols = p.rows, p.cols // p.products_per_dsp
    num, sums = rows * cols, rows * p.cols
    a, b = p.a_format, p.b_format
    part = "sums"
    if p.products_per_dsp == 1:
        passed = (rows - 1) * cols * b.bits + (rows * (cols - 1) * a.bits if passes_a else 0)
        s.registers("first", num)
        part = products(s, p, num, passed, num * (a.bits + b.bits) - passed)
    else:
        s.registers("operands", num * (2 * a.bits + p.pe_operand_bits))
        s.registers("first", 2 * num)
        factor = p.product_bits + b.bits + 1
        s.ff["products.block_product"] += num * (a.bits + factor)
        if any(s.costs.dsp_sizes):
            s.dsp += num * (1 if factor <= s.costs.dsp_sizes[0] else 2)
        else:
            s.lut["products.product"] += num * a.bits * factor
        s.registers("operands", cols * b.bits)
        s.add("pack", b.bits + 1, cols)
        s.registers("values", cols * p.accumulator_bits)
    s.registers(part, sums * p.accumulator_bits)
    s.add(part, p.accumulator_bits, sums)


def _edges(s: Structure, p: SystolicParams) -> None:
    """Serialisers of words of k, or the skew of words of rows or columns."""
    index = bits_of(p.lanes)
    s.registers("control", p.rows)
    for feed_kind, num, bits in (
        (p.a_feed, p.rows, p.a_format.bits),
        (p.b_feed, p.cols, p.b_format.bits),
    ):
        if feed_kind == "k_inner":
            s.registers("serializers", num * p.lanes * bits)
            groups = -(-p.lanes // GROUP)
            s.choose("serializers", groups, GROUP * bits if groups > 1 else 0, num)
            s.choose("serializers", min(p.lanes, GROUP), bits, num)
            s.registers("control", num * (1 + index) + index)
            s.reduce("control", index + 1, num)
            s.count("control", index)
        else:
            skew(s, num, bits)


def skew(s: Structure, num: int, bits: int) -> None:
    """Element n of a word comes n + 1 cycles later."""
    for n in range(num):
        s.delay("skew", bits, n + 1)


def collect(s: Structure, p: SystolicParams) -> None:
    """The tree that picks the sums row by row, and what steers it."""
    groups = p.rows
    levels = cost.collect_levels(p)
    digits = (p.rows - 1).bit_length()
    for level in range(levels):
        above = -(-groups // cost.COLLECT_FAN_IN)
        s.registers("collect", above * p.cols * p.accumulator_bits)
        s.choose("collect", -(-groups // above), p.accumulator_bits, above * p.cols)
        groups = above
        bits = min(2, digits - 2 * level)
        s.registers("select", bits * (level + p.cols - 1))
    cycles = levels + cost.pair_cycles(p)
    s.registers("select", 2 + digits + 3 * cycles)
    s.count("select", 2 * digits)


def start(s: Structure, p: SystolicParams, cycles: int) -> None:
    """When a block may start, and what travels with its first and last step."""
    steps = (cycles - 1).bit_length()
    distance = cost.packet_cycles(p)
    s.registers("start", steps + (bits_of(distance) + 1 if cycles < distance else 0))
    s.registers("start", 2 if cycles > 1 else 0)
    s.count("start", 2 * steps)
    s.registers("marks", 3 + cycles + 2)
    s.gates("start", 12)


def packets(s: Structure, p: SystolicParams, depth: int) -> None:
    """What the drain must know of each packet."""
    if not p.has_parameters:
        return
    known_packets(s, p, depth)
    position = (p.param_sets - 1).bit_length()
    s.registers("packets", position + 1)
    s.count("packets", position)

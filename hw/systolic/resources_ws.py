"""What a weight-stationary core is made of, part by part. Pure."""

from ..lib.memory_mapping import Memory
from ..lib.structure import Structure
from . import cost_ws
from .params import SystolicParams

STEP_BITS = 5


def weight_stationary(s: Structure, p: SystolicParams) -> None:
    """PEs that keep their weights, accumulators below the columns, the core's control."""
    _pes(s, p)
    _edges(s, p)
    _accumulators(s, p)
    rows = p.rows.bit_length()
    s.registers("start", rows + 4 + ((p.cols - 1).bit_length() if p.has_parameters else 0))
    s.count("start", 3 * rows + 10)
    sub = (cost_ws.subblocks(p) - 1).bit_length()
    s.registers("loops", sub + 2 if sub else 0)
    s.reduce("loops", p.bound_bits, 8)
    if p.has_parameters:
        known_packets(s, p, cost_ws.packets_under_way(p))


def products(s: Structure, p: SystolicParams, num: int, passed: int, last: int) -> str:
    """Products; the part that sums behind them are: of multiplier blocks, where these may add.

    `passed` bits of operands go on to a neighbour; `last` bits do not, and lie in the blocks.
    """
    a, b = p.a_format, p.b_format
    is_unsigned = not (a.signed or b.signed)
    in_blocks = s.multiply("products", a.bits, b.bits, num, is_unsigned=is_unsigned)
    s.registers("operands", passed)
    s.registers("operands.in_block" if in_blocks else "operands", last)
    return "sums.in_block" if in_blocks and s.costs.dsp_adds else "sums"


def _pes(s: Structure, p: SystolicParams) -> None:
    num = p.rows * p.cols
    a, b = p.a_format, p.b_format
    above = (p.rows - 1) * p.cols  # the last row passes nothing on, the first adds to nothing
    s.registers("weights", num * b.bits)
    s.registers("first", 2 * p.rows * (p.cols - 1))
    passed = p.rows * (p.cols - 1) * a.bits + above * b.bits
    last = p.rows * a.bits + num * b.bits
    if not s.costs.dsp_resets:  # weights are kept by an enable, and no operand moves alone
        passed, last = passed + last, 0
    part = products(s, p, num, passed, last)
    for row in range(p.rows):  # as wide as so many products: what is above are copies of the sign
        bits = min(p.accumulator_bits, a.bits + b.bits + row.bit_length())
        s.registers(part, p.cols * bits)
        s.add(part, bits, p.cols if row else 0)
    s.registers("rows", p.rows * (STEP_BITS + 2))
    s.gates("rows", 3 * p.rows)


def _edges(s: Structure, p: SystolicParams) -> None:
    """Words are registered, chosen by subblock, skewed."""
    blocks = cost_ws.subblocks(p)
    sub = (blocks - 1).bit_length()
    s.registers("edge", p.a_word_bits + p.cols * p.b_format.bits + sub + 2 * STEP_BITS + 2)
    for row in range(p.rows):
        s.choose("edge", -(-(p.lanes - row) // p.rows), p.a_format.bits)
    for num, bits in ((p.rows, p.a_format.bits), (p.cols, p.b_format.bits)):
        for n in range(num):
            s.delay("skew", bits, n + 1)


def _accumulators(s: Structure, p: SystolicParams) -> None:
    """A memory per column; what to do with a psum travels along."""
    width = p.accumulator_bits
    s.memory("accumulators", Memory(width=width, depth=max(2, p.accumulator_rows), num=p.cols))
    address = (p.accumulator_rows - 1).bit_length()
    step = 3 + address
    # What a column does in its second and third stage, the next columns do in their first.
    s.registers("steps", (p.cols + 2) * step + address)
    s.count("steps", 2 * address)
    s.registers("totals", p.cols * 2 * width)
    s.add("totals", width, p.cols)
    s.gates("enables", 2 * p.cols)
    s.registers("marks", 7)


def known_packets(s: Structure, p: SystolicParams, depth: int) -> None:
    """The queue of what the drain must know of each packet, and the set of the next one."""
    position, sets = (p.param_sets - 1).bit_length(), p.param_sets.bit_length()
    settings = 3 * p.requantize_params.setting_bits
    s.registers("packets", position)
    s.count("packets", position + 4 * sets + p.bound_bits)
    s.fifo("packets", position + sets + settings, depth, block=False)

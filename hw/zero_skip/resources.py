"""What an eliminator is made of, part by part. Pure."""

from ..lib.memory_mapping import Memory
from ..lib.structure import Structure
from .cost import STAGES_PER_REGISTER, credits, network_cycles
from .params import ZeroSkipParams

COMMANDS_HELD = 2


def structure(params: ZeroSkipParams, family: str) -> Structure:
    """LUTs, registers and memories of a `ZeroSkipKernel`."""
    s = Structure(family, "zero_skip")
    s.kind = f"zero_skip.{params.function}"
    p = params
    depth = credits(p)
    if p.has_command:
        s.fifo("control", p.command_format.width, COMMANDS_HELD)
    left = depth.bit_length()
    number = (p.words - 1).bit_length()
    s.registers("control", left + 1 + number)
    s.count("control", 3 * left + 2 * number)
    s.fifo("output", p.output_bits + 1, depth, block=False)
    _select(s, p)
    _route(s, p)
    slot = p.result.bits + p.index_bits
    s.registers("merge", p.lanes * (slot + 1) + 2)
    s.choose("merge", 2, slot, p.lanes)
    s.gates("merge_flags", 5 * p.lanes + 6)
    return s


def _select(s: Structure, p: ZeroSkipParams) -> None:
    lanes, bits, number = p.lanes, p.value.bits, (p.words - 1).bit_length()
    s.registers("select", lanes + 2)
    s.delay("values", lanes * p.result.bits + number, 3)  # until they have their places
    if p.function == "zeros":
        s.reduce("select", bits, lanes)
        return
    s.less("theta", p.result.bits, 2 * lanes if p.result.signed else lanes)
    s.add("theta", bits)
    if p.function == "threshold":
        return
    s.memory("state", Memory(width=lanes * bits, depth=max(2, p.words), lanes=lanes))
    s.registers("state", 2 * lanes * bits + 2 * lanes + 2 + number + bits + 1)
    s.add("delta", bits + 1, lanes)
    s.choose("state", 3, bits, lanes)
    s.equal("state", number)
    s.choose("state", 2, bits, lanes)


def _route(s: Structure, p: ZeroSkipParams) -> None:
    """Counts, slots, stages of the network with a register behind every `STAGES_PER_REGISTER`."""
    lanes, bits, lane_bits = p.lanes, p.result.bits, p.stages
    number = (p.words - 1).bit_length()
    s.registers("count", lanes + 2)
    s.registers("count", sum(n.bit_length() for n in range(1, lanes + 1)))
    s.gates("count", lanes * lane_bits)
    s.registers("place", lanes + 3)
    s.registers("place", lanes * lane_bits + lanes.bit_length())
    s.add("place", lane_bits, lanes)
    # Of slot and origin each bit is known on one side of its stage: together as many as one.
    word = lanes * (bits + lane_bits + 1) + number + 3
    rows = network_cycles(p)
    s.registers("network", rows * word)
    single, pairs = p.stages % STAGES_PER_REGISTER, p.stages // STAGES_PER_REGISTER
    s.choose("network", 2, lanes * (bits + lane_bits + 1), single)
    s.exchange_pairs("network", lanes * (bits + lane_bits + 1), pairs)
    s.gates("network_flags", 2 * lanes * p.stages)

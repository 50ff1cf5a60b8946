"""What a whole accelerator is made of, part by part. Pure."""

from __future__ import annotations

from tilewright.hw.configure import READ_PORTS, WRITE_PORTS
from tilewright.hw.hardware_config import CORE, HardwareConfig
from tilewright.hw.lib.dma_params import LoadParams, StoreParams
from tilewright.hw.lib.memory_mapping import CELLS, Memory
from tilewright.hw.lib.memory_params import ScratchpadParams
from tilewright.hw.lib.params import (
    ACTIVITY_BITS,
    COUNTER_GROUP_BITS,
    Activity,
    CounterParams,
    StreamerParams,
)
from tilewright.hw.lib.structure import Structure, bits_of
from tilewright.hw.lib.unit_resources import load_dma, queue, store_dma, streamer
from tilewright.hw.systolic.params import SystolicParams
from tilewright.hw.systolic.resources import SPACE, core

CYCLE_BITS = 64
AXI_LITE_BITS = 32
WAITING_WORDS = StreamerParams.credits


def accelerator_structure(config: HardwareConfig, family: str) -> Structure:
    """LUTs, registers, memories and products of an `Accelerator`: the sum of three parts that know
    nothing of each other.
    """
    s = Structure(family, SPACE)
    engine(s, config.systolic)
    scratchpad(s, config.scratchpad)
    surroundings(s, config)
    return s


def engine(s: Structure, p: SystolicParams) -> None:
    """The engine, and what that makes the whole for the clock."""
    s.kind = f"accelerator.{p.dataflow}"
    core(s, p)
    if s.family == CELLS and p.dataflow == "weight_stationary":
        _unread_lanes(s, p)


def _unread_lanes(s: Structure, p: SystolicParams) -> None:
    """Of a word of weights the engine reads `cols` lanes: of the registers that hold words for it
    the others are gone, which its streamer does not know.
    """
    bits, words = (p.lanes - p.cols) * p.b_format.bits, WAITING_WORDS
    s.ff["streamer_words.memory"] -= words * bits
    s.lut["streamer_words.memory"] -= (words - 1) * bits * s.costs.choice


def surroundings(s: Structure, config: HardwareConfig) -> None:
    """Queues, DMA engines, streamers, tokens, registers, counters."""
    for unit in config.units:
        queue(s, unit.queue)
        match unit.params:
            case LoadParams():
                load_dma(s, unit.params, unit.queue)
            case StoreParams():
                store_dma(s, unit.params, unit.queue, unit.params.credits)
            case StreamerParams():
                streamer(s, unit.params, unit.queue, writes=unit.name in WRITE_PORTS)
    _tokens(s, config)
    _registers(s, config)
    counters(s, config)


def scratchpad(s: Structure, p: ScratchpadParams) -> None:
    """Banks, the choice of a bank per port and of a port per bank."""
    banks = range(p.banks)
    readers = [sum(b in p.read_banks(n) for n in range(len(READ_PORTS))) for b in banks]
    writers = [sum(b in p.write_banks(n) for n in range(len(WRITE_PORTS))) for b in banks]
    used = [b for b in banks if readers[b] and writers[b]]  # others hold nothing anyone sees
    s.memory(
        "scratchpad",
        Memory(width=p.word_bits, depth=p.words_per_bank, num=len(used), lanes=p.lanes),
    )  # fmt: skip
    index = p.address_bits - p.row_bits
    for port in range(len(READ_PORTS)):
        num = len(p.read_banks(port))
        s.registers("read_ports", 2 + index + p.word_bits)
        s.gather("read_ports", num, p.word_bits)
        s.reduce("bank_control", index + 3, num)
    s.registers("read_ports", 1)
    for b in used:
        s.gather("bank_rows", readers[b], p.row_bits if readers[b] > 1 else 0)
        s.gather("bank_rows", writers[b], p.row_bits + p.word_bits if writers[b] > 1 else 0)
        s.gates("bank_control", p.lanes)
    s.reduce("bank_control", index + 3, sum(writers))


def _tokens(s: Structure, config: HardwareConfig) -> None:
    for wire in config.tokens:
        bits = wire.params.bits
        s.registers("tokens", bits + 2)
        s.count("tokens", 2 * bits)
        s.less("tokens", bits)
        if config.is_programmable:
            s.registers("tokens", bits)
            s.gates("tokens", bits + 2)
    if config.is_programmable:
        s.registers("tokens", 2)


def _registers(s: Structure, config: HardwareConfig) -> None:
    """AXI4-Lite: one write and one read at a time, the base address, interrupt, status."""
    address = 10 + (bits_of(config.program_unit_rows) + 3 if config.is_programmable else 0)
    s.registers("registers", address + AXI_LITE_BITS + 4 + 5 + AXI_LITE_BITS + 1 + 4)
    s.registers("registers", config.axi.address_bits)
    s.gates("registers", 2 * config.axi.address_bits + 2 * AXI_LITE_BITS)
    s.gather("registers", 10, AXI_LITE_BITS)
    s.registers("status", 4 + 2 * CYCLE_BITS)
    s.count("status", 3 * CYCLE_BITS)
    s.gates("status", 30)


def counters(s: Structure, config: HardwareConfig) -> None:
    """Counters of activity, if there are any."""
    if not config.has_counters:
        return
    p = CounterParams(num_units=len(config.units))
    index = bits_of(p.num_counters)
    groups = -(-p.num_counters // (1 << COUNTER_GROUP_BITS))
    s.registers("counters", (p.num_counters + groups) * p.counter_bits)
    s.registers("counters", index + max(0, index - COUNTER_GROUP_BITS))
    s.registers("counters", 2 + ACTIVITY_BITS * p.num_units)
    s.add("counters", p.counter_bits, p.num_counters)
    s.choose("counter_choice", p.num_counters, p.counter_bits)
    s.gates("counter_choice", len(config.units) * len(Activity))
    assert any(unit.name == CORE for unit in config.units)

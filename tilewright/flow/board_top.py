"""What a board's top is made of, part by part, around its accelerator. Pure: no Amaranth here.

Registers are counted from `boards/top`; of the LUTs the parts that do not depend on parameters are
first values, which the fit to real synthesis runs corrects (docs/resources.md).
"""

from __future__ import annotations

from typing import Final

from tilewright.boards.top.params import BUFFER_BYTES, BoardTopParams, MemoryParams
from tilewright.hw.lib.memory_mapping import Memory
from tilewright.hw.lib.structure import Structure, bits_of

SPACE: Final = "board_top"
TICK_BITS: Final = 23
LINK_REGISTERS: Final = 402
"""Of the receiver and sender of frames with their CRCs, of the header of a request, the session and
the counters of events, of the register port."""
LINK_LUTS: Final = 700
RESET_REGISTERS: Final = 9
BUTTON_REGISTERS: Final = 2
BURST_BITS: Final = 8
"""Of the beats of an AXI burst."""


def board_top_structure(p: BoardTopParams, family: str) -> Structure:
    """LUTs, registers and memories of a `BoardTop` without its accelerator."""
    s = Structure(family, SPACE)
    _link(s, p)
    _memory(s, p.memory)
    s.registers("reset", RESET_REGISTERS + 1)
    s.registers("reset", 0 if p.reset_is_inverted is None else BUTTON_REGISTERS)
    s.count("reset", 2 * RESET_REGISTERS)
    if p.num_leds:
        s.registers("leds", TICK_BITS + 2 * (p.num_leds > 1) + 2 * (p.num_leds > 3))
        s.count("leds", TICK_BITS)
        s.gates("leds", 10)
    return s


def _link(s: Structure, p: BoardTopParams) -> None:
    """Serial line, frames, command unit: most of it the same in every design."""
    word_bytes, timer = max(4, p.identity.unit_bytes), bits_of(p.uart.divisor)
    largest = max(p.identity.memory_bytes, p.identity.register_bytes)
    address = largest.bit_length()
    s.registers("link", LINK_REGISTERS + 2 * timer + address + bits_of(word_bytes))
    s.registers("link", 8 * word_bytes)
    s.logic("link", LINK_LUTS)
    s.count("link", 4 * timer + 3 * address)
    s.choose("link_word", 3, 8 * word_bytes)
    _checked(s, "link", Memory(width=8, depth=BUFFER_BYTES))


def _memory(s: Structure, p: MemoryParams) -> None:
    """RAM blocks behind the port; bursts and answers that wait."""
    bits, word = 8 * p.data_bytes, p.word_address_bits
    memory_image(s, p)
    s.registers("memory", bits + 2 * word + BURST_BITS + 11)
    s.gates("memory", bits)
    s.count("memory", 4 * word + BURST_BITS)
    s.less("memory", 2 * word)
    s.fifo("bursts", word + BURST_BITS + 1, p.outstanding, block=False)
    s.fifo("bursts", word + 2, p.outstanding, block=False)
    s.fifo("bursts", 1, p.outstanding + 2, block=False)
    s.gates("bursts", word + BURST_BITS + 1)


def memory_image(s: Structure, p: MemoryParams) -> None:
    """The RAM blocks that hold the memory image."""
    _checked(s, "memory", Memory(width=8 * p.data_bytes, depth=p.words))


def _checked(s: Structure, part: str, memory: Memory) -> None:
    """A memory whose words are old ones while they are written, which its blocks are not: writes
    are held back for a cycle, and a read of what is held back takes it from there.
    """
    s.memory(part, memory)
    address = bits_of(memory.depth)
    s.registers(part, 2 * memory.width + address + 2)
    s.gates(part, memory.width)
    s.equal(part, address)

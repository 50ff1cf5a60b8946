"""The tables of `docs/boards.md`, from the tables of the package."""

from __future__ import annotations

from tilewright.spec.numbers import format_frequency, format_size

from .load import board_names, device_names, load_board, load_device
from .model import Board, BoardMemory

BEGIN, END = "<!-- tables: begin -->", "<!-- tables: end -->"


def with_tables(page: str) -> str:
    """The page with its tables made anew between the two marks.

    Raises:
        ValueError: if the marks are missing.
    """
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"the page must have {BEGIN} and {END}")
    return f"{before}{BEGIN}\n\n{tables()}\n{END}{after}"


def tables() -> str:
    """Boards by flow, their pins, their memories, and the devices."""
    boards = [load_board(name) for name in board_names()]
    parts = []
    for flow, title in (("open", "Open flow, to a bitstream"), ("vivado", "Limits, and a project")):
        chosen = [board for board in boards if board.flow == flow]
        parts += [f"### {title}", _table(_BOARD_HEAD, [_board_row(board) for board in chosen])]
    parts += ["### Memories", _table(_MEMORY_HEAD, [row for b in boards for row in _memories(b)])]
    parts += ["### Devices", _table(_DEVICE_HEAD, [_device_row(name) for name in device_names()])]
    return "\n".join(parts)


_BOARD_HEAD = ("name", "board", "device", "clock", "serial line (rx, tx)", "LEDs", "reset")
_MEMORY_HEAD = ("board", "memory", "size", "peak", "bytes per cycle, latency", "from")
_DEVICE_HEAD = ("device", "LUT", "FF", "DSP", "RAM blocks", "large blocks", "from")


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = ["| " + " | ".join(cells) + " |" for cells in (head, *rows)]
    lines.insert(1, "|" + "---|" * len(head))
    return "\n".join(["", *lines, ""])


def _board_row(board: Board) -> tuple[str, ...]:
    uart = board.uart
    line = f"{uart.rx}, {uart.tx}: {uart.connector}" if uart else "none"
    lit = ", lit by 0" if board.leds and board.leds[0].is_inverted else ""
    leds = f"{' '.join(led.name for led in board.leds)}{lit}" if board.leds else "none"
    reset = "none"
    if board.reset is not None:
        reset = f"{board.reset.name}, pressed is {0 if board.reset.is_inverted else 1}"
    return (
        f"`{board.name}`",
        board.title,
        f"{board.device.name} ({board.part})",
        f"{format_frequency(board.clock.frequency_hz)}, {_clock_pin(board)}",
        line,
        leds,
        reset,
    )


def _clock_pin(board: Board) -> str:
    clock = board.clock
    return " and ".join(pin for pin in (clock.pin, clock.pin_n) if pin) or clock.note


def _memories(board: Board) -> list[tuple[str, ...]]:
    return [_memory_row(board, memory) for memory in board.memories]


def _memory_row(board: Board, memory: BoardMemory) -> tuple[str, ...]:
    clock_hz = board.clock.frequency_hz
    peak = "the clock's"
    if memory.bytes_per_second is not None:
        peak = f"{memory.bytes_per_second / 1e6:,.0f} MB/s"
    width = memory.bytes_per_cycle(clock_hz) or "a word"
    cycles = f"{width}, {memory.latency_cycles(clock_hz)} at {format_frequency(clock_hz)}"
    size = format_size(memory.capacity_bytes)
    return f"`{board.name}`", f"`{memory.name}`", size, peak, cycles, memory.source


def _device_row(name: str) -> tuple[str, ...]:
    device = load_device(name)
    blocks = f"{device.ram_blocks:,} of {device.ram_block_bits:,} bits"
    large = "none"
    if device.large_ram_blocks:
        large = f"{device.large_ram_blocks:,} of {device.large_ram_block_bits:,} bits"
    lut = f"{device.lut:,} of {device.lut_inputs} inputs"
    return name, lut, f"{device.ff:,}", f"{device.dsp:,}", blocks, large, device.source

"""A spec and its board: what the board decides where the spec is silent, and what fits on it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tilewright.advice import Savings, advice
from tilewright.boards import (
    Board,
    BoardMemory,
    Device,
    Overuse,
    board_names,
    load_board,
    load_board_file,
)
from tilewright.boards import overuse as overuse_of
from tilewright.boards.model import MAX_PORT_BYTES
from tilewright.spec import AcceleratorSpec, Diagnostic, Spec, SpecError
from tilewright.spec.machine import AcceleratorSection
from tilewright.spec.model import BOARD_SUFFIX
from tilewright.spec.numbers import format_frequency, format_size
from tilewright.spec.sections.base import Conflict

__all__ = [
    "board_of",
    "check_board_top",
    "check_memory",
    "chosen_board",
    "clock_of",
    "has_board_top",
    "known_boards",
    "memory_of",
    "memory_words",
    "model_family",
    "too_large",
    "with_board",
]

MEMORY = ("accelerator", "memory")


class _KnownBoards(Mapping[str, tuple[str, ...]]):
    """All boards with the names of their memories; a table is read when it is asked for."""

    def __getitem__(self, name: str) -> tuple[str, ...]:
        if name not in board_names():
            raise KeyError(name)
        return tuple(memory.name for memory in load_board(name).memories)

    def __contains__(self, name: object) -> bool:
        return name in board_names()

    def __iter__(self) -> Iterator[str]:
        return iter(board_names())

    def __len__(self) -> int:
        return len(board_names())


def known_boards() -> Mapping[str, tuple[str, ...]]:
    """Names of the boards of the package with those of their memories, for `load_spec`."""
    return _KnownBoards()


def board_of(spec: Spec) -> Board | None:
    """The spec's board, if it has one.

    Raises:
        SpecError: with the mistakes of the table, if it is the user's own.
    """
    if spec.board_path is not None:
        return load_board_file(spec.board_path)
    return None if spec.board is None else load_board(spec.board)


def chosen_board(spec: Spec, option: str | None) -> tuple[Spec, Board | None]:
    """The board of the command line (a name, or the path of a table), else the spec's, and the spec
    with that board's numbers: so `synth` and `run` make the same design.

    Raises:
        SpecError: if there is no such board, or its table is wrong.
    """
    if option is None:
        board = board_of(spec)
    elif option.endswith(BOARD_SUFFIX):
        board = load_board_file(Path(option))
    else:
        board = load_board(option)
    return with_board(spec, board), board


def clock_of(spec: Spec, board: Board | None = None) -> int | None:
    """The design's clock in Hz: the spec's, else that of `board` or of the spec's board, if any."""
    if spec.clock_hz is not None:
        return spec.clock_hz
    board = board or board_of(spec)
    return None if board is None else board.clock.frequency_hz


def memory_of(spec: AcceleratorSpec, board: Board) -> BoardMemory:
    """The memory of the board that is behind the accelerator's port.

    Raises:
        SpecError: if the board has none of this name.
    """
    name = spec.accelerator.memory.board_memory
    try:
        return board.memory(name)
    except KeyError:
        known = ", ".join(memory.name for memory in board.memories)
        rule, help = f"must be a memory of {board.name}", f"it has {known}"
        conflict = Conflict(path=(*MEMORY, "board_memory"), rule=rule, value=name, help=help)
        raise SpecError([spec.located(conflict)]) from None


def with_board(spec: Spec, board: Board | None = None) -> Spec:
    """The spec with its own board's numbers, or with those of `board`, where it has none itself.

    A memory that is not on the chip gives `bytes_per_cycle` (the largest power of two that it can
    feed in each cycle) and `latency_cycles`, both at the design's clock; one on the chip is as wide
    as a word. The spec of a `board` of the package names it from then on; a table of the user's has
    no name that could be looked up, so the key `board` stays as it is.

    Raises:
        SpecError: if the board's table is wrong, or has no memory of the name that is wanted.
    """
    changed: dict[str, Any] = {}
    if board is None:
        board = board_of(spec)
    elif board.name in board_names() and board == load_board(board.name):
        changed["board"] = board.name
    if board is None:
        return spec
    if isinstance(spec, AcceleratorSpec):
        changed["accelerator"] = _with_memory(spec, board)
    return spec.model_copy(update=changed)


def _with_memory(spec: AcceleratorSpec, board: Board) -> AcceleratorSection:
    """The accelerator with the board's numbers where the memory has none of its own."""
    section, given = spec.accelerator, spec.accelerator.memory.model_fields_set
    numbers = _numbers(spec, board)
    left_out = {key: value for key, value in numbers.items() if key not in given}
    filled = section.memory.model_copy(update=left_out)
    # What the user wrote is still what the user wrote: another board may come.
    object.__setattr__(filled, "__pydantic_fields_set__", set(given))
    return section.model_copy(update={"memory": filled})


def _numbers(spec: AcceleratorSpec, board: Board) -> dict[str, int]:
    """Keys of `accelerator.memory` as the board has them at the design's clock."""
    memory, clock_hz = memory_of(spec, board), clock_of(spec, board)
    assert clock_hz is not None
    width = memory.bytes_per_cycle(clock_hz) or min(MAX_PORT_BYTES, spec.accelerator.word_bytes)
    return {"bytes_per_cycle": width, "latency_cycles": memory.latency_cycles(clock_hz)}


def memory_words(spec: AcceleratorSpec) -> str:
    """The memory's numbers and where they are from, for reports."""
    memory = spec.accelerator.memory
    numbers = f"{memory.bytes_per_cycle} bytes per cycle, {memory.latency_cycles} cycles latency"
    board = board_of(spec)
    if board is None:
        return numbers
    boards_own = _numbers(spec, board)
    if any(getattr(memory, key) != value for key, value in boards_own.items()):
        return f"{numbers}, as the spec says"
    chosen, clock_hz = memory_of(spec, board), clock_of(spec, board)
    assert clock_hz is not None
    where = f"{numbers}: {chosen.name} of {board.name} at {format_frequency(clock_hz)}"
    return where if chosen.bytes_per_second is None else f"{where} ({chosen.source})"


def check_memory(spec: AcceleratorSpec, board: Board, image_bytes: int) -> None:
    """Whether the memory image (weights, parameters, inputs, results) fits the board's memory.

    Raises:
        SpecError: saying by how much it does not, and what to change.
    """
    memory = memory_of(spec, board)
    if image_bytes <= memory.capacity_bytes:
        return
    excess = image_bytes - memory.capacity_bytes
    larger = [m.name for m in board.memories if m.capacity_bytes >= image_bytes]
    advice = [f"`board_memory: {name}` has room" for name in larger]
    if spec.verify is not None and spec.verify.batch > 1:
        advice.append(f"a verify.batch below {spec.verify.batch} takes less")
    conflict = Conflict(
        path=(*MEMORY, "board_memory"),
        rule=f"the memory image has {image_bytes:,} bytes, {memory.name} of {board.name} "
        f"{memory.capacity_bytes:,}: {excess:,} too many",
        value=memory.name,
        help="; ".join(advice)
        or f"a smaller model, or a board with more than {format_size(memory.capacity_bytes)}",
    )
    raise SpecError([spec.located(conflict)])


def check_board_top(spec: AcceleratorSpec, board: Board) -> None:
    """Whether the spec asks only for what a board top has: the oscillator and the chip's own RAM.

    Raises:
        SpecError: if it wants another clock, which would take a PLL, or a memory beside the chip,
            which would take its controller.
    """
    conflicts = []
    if spec.clock_hz not in (None, board.clock.frequency_hz):
        oscillator = format_frequency(board.clock.frequency_hz)
        rule = f"on {board.name} the design runs on the oscillator, {oscillator}: there is no PLL"
        advice = "leave the key out, or synthesise out of context"
        conflicts.append(Conflict(path=("clock",), rule=rule, help=advice))
    memory = memory_of(spec, board)
    if memory.kind != "block_ram":
        own = [m.name for m in board.memories if m.kind == "block_ram"]
        rule = f"on {board.name} the design has RAM blocks only: no controller for {memory.kind}"
        help = f"write `board_memory: {own[0]}`, or synthesise out of context" if own else None
        path = (*MEMORY, "board_memory")
        conflicts.append(Conflict(path=path, rule=rule, value=memory.name, help=help))
    if conflicts:
        raise SpecError([spec.located(conflict) for conflict in conflicts])


def has_board_top(spec: AcceleratorSpec, board: Board) -> bool:
    """Whether the spec asks only for what a board top has."""
    try:
        check_board_top(spec, board)
    except SpecError:
        return False
    return True


def model_family(device: Device) -> str:
    """The family that the resource model calls the device's: of iCE40 some have multipliers."""
    has_multipliers = device.family == "ice40" and device.dsp > 0
    return f"{device.family}up" if has_multipliers else device.family


def too_large(
    spec: Spec, board: Board, used: Mapping[str, int], savings: Savings | None = None
) -> tuple[Diagnostic, ...]:
    """A message for each resource of which the board's device has too little: how much of what,
    which keys make it less, and which boards have enough.

    `used` is estimated or counted after synthesis: any of "lut", "ff", "dsp", "ram_blocks" and
    "large_ram_blocks". `savings`: what changes would save, where that is known.
    """
    roomy = _roomy_boards(board, used)
    return tuple(
        spec.located(_too_large(spec, board, item, roomy, savings))
        for item in overuse_of(board.device, used)
    )


def _too_large(
    spec: Spec, board: Board, item: Overuse, roomy: list[str], savings: Savings | None
) -> Conflict:
    path: tuple[str | int, ...] = ("kernel",)
    has_image = False
    if isinstance(spec, AcceleratorSpec):
        path = ("accelerator", "engines", next(iter(spec.accelerator.engines)))
        has_image = has_board_top(spec, board)
        if item.resource in ("ram_blocks", "large_ram_blocks"):
            path = ("accelerator", "scratchpad")
    help = advice(spec, item.resource, savings, has_image=has_image)
    if roomy:
        help += f"; it fits {' and '.join(roomy)}"
    return Conflict(path=path, rule=f"{board.device.name} on {board.name}: {item}", help=help)


def _roomy_boards(board: Board, used: Mapping[str, int]) -> list[str]:
    """Boards of the package with a larger device of the same family, whose LUTs count alike."""
    boards = [load_board(name) for name in board_names()]
    return [
        other.name
        for other in boards
        if other.device.family == board.device.family and not overuse_of(other.device, used)
    ]

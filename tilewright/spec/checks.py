"""Checks that need more than one key: files that must exist, known boards, absurd sizes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import islice
from pathlib import Path, PurePosixPath

from .composer import KeyPath
from .diagnostics import closest, suggestion
from .model import AcceleratorSpec, KernelSpec, Spec
from .sections.base import Conflict, SpecContext

MAX_PES = 65_536
MAX_REGISTER_BITS = 8 * 2**20
MAX_MEMORY_BITS = 512 * 2**20  # 64 MiB
MAX_FOLDER_ENTRIES = 1000


def all_conflicts(spec: Spec, context: SpecContext) -> Iterator[Conflict]:
    """Every rule that a spec of right keys still breaks."""
    yield from spec.conflicts()
    yield from _size_conflicts(spec)
    yield from _board_conflicts(spec, context)
    if isinstance(spec, AcceleratorSpec):
        yield from _file_conflicts(spec, context)


def _size_conflicts(spec: Spec) -> Iterator[Conflict]:
    """Refuses what would take hours and gigabytes to elaborate, before anything is."""
    size = spec.hardware_size()
    is_accelerator = isinstance(spec, AcceleratorSpec)
    section = ("accelerator",) if is_accelerator else ("kernel",)
    engines = [spec.kernel] if isinstance(spec, KernelSpec) else spec.accelerator.engines.values()
    logic = " or ".join(dict.fromkeys(engine.logic_keys for engine in engines))
    memory = " or ".join(dict.fromkeys(engine.memory_keys for engine in engines))
    memory = f"the capacity of the scratchpad, {memory}" if is_accelerator else memory
    limits = (
        ("processing elements", size.num_pes, MAX_PES, logic),
        ("register bits", size.register_bits, MAX_REGISTER_BITS, logic),
        ("memory bits", size.memory_bits, MAX_MEMORY_BITS, memory),
    )
    for noun, estimate, maximum, keys in limits:
        if estimate > maximum:
            yield Conflict(
                path=section,
                parties=(section,),
                rule=f"the estimated hardware must stay within {maximum:,} {noun}",
                value=f"{estimate:,}",
                help=f"lower {keys}",
            )


def _board_conflicts(spec: Spec, context: SpecContext) -> Iterator[Conflict]:
    """The board is known, and has the memory that is named; a table of the user's is a file."""
    memory = spec.accelerator.memory.board_memory if isinstance(spec, AcceleratorSpec) else None
    memory_path: KeyPath = ("accelerator", "memory", "board_memory")
    if spec.board is None:
        if memory is not None:
            help = "add `board: NAME`, or write bytes_per_cycle and latency_cycles"
            yield Conflict(path=memory_path, rule="stands only beside a board", help=help)
    elif spec.board_path is not None:
        if context.directory is not None and (found := _missing_file(spec.directory, spec.board)):
            yield Conflict(path=("board",), rule=found[0], help=found[1])
    elif spec.board not in context.boards:
        help = suggestion(spec.board, sorted(context.boards), "board")
        yield Conflict(path=("board",), rule="must be the name of a board", help=help)
    elif memory is not None and memory not in context.boards[spec.board]:
        known = sorted(context.boards[spec.board])
        yield Conflict(
            path=memory_path,
            parties=(memory_path, ("board",)),
            rule=f"must be a memory of {spec.board}",
            help=f"it has {', '.join(known)}",
        )


def _file_conflicts(spec: AcceleratorSpec, context: SpecContext) -> Iterator[Conflict]:
    if context.directory is None:
        return
    has_model = bool(spec.model)
    if has_model and (found := _missing_file(context.directory, spec.model)) is not None:
        yield Conflict(path=("model",), rule=found[0], help=found[1])
    if spec.verify is None:
        return
    if (found := _missing_file(context.directory, spec.verify.inputs)) is not None:
        yield Conflict(path=("verify", "inputs"), rule=found[0], help=found[1])


def _missing_file(directory: Path, relative: str) -> tuple[str, str | None] | None:
    """Rule and help if `relative` is not a file that can be read, else None."""
    path = directory / relative
    try:
        if path.is_file():
            return None if os.access(path, os.R_OK) else ("must be a file you may read", None)
        is_folder = path.is_dir()
    except (OSError, ValueError):
        return "must be a file", None
    if is_folder:
        return "must be a file, and is a folder", None
    near = closest(path.name, _names(path.parent))
    help = "paths are relative to the folder of the spec"
    if near is not None:
        help = f"did you mean `{PurePosixPath(relative).parent / near}`?"
    return "must be a file that exists", help


def _names(directory: Path) -> list[str]:
    try:
        with os.scandir(directory) as entries:
            return sorted(entry.name for entry in islice(entries, MAX_FOLDER_ENTRIES))
    except (OSError, ValueError):
        return []

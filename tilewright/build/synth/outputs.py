"""What tools write, which may end with code 0 though they could not write all of it."""

import json
from pathlib import Path
from typing import Final

from tilewright.build.synth.result import ClockTiming, Use
from tilewright.build.synth.timing import Names, clocks_of, uses_of
from tilewright.errors import OutputError

__all__ = ["check_output", "read_report"]

_ENDS: Final = {
    ".config": b"\n", ".asc": b"\n", ".fs": b"\n", ".v": b"\n",
    # The command that starts the design, and the bytes that always follow it.
    ".bit": bytes.fromhex("5e000000ffffffff"), ".bin": bytes.fromhex("010600"),
}  # fmt: skip
"""What whole files end with, as far as that can be told."""


def check_output(path: Path, log: Path) -> None:
    """That a tool's file is whole; its folder is still called otherwise than the stage.

    Raises:
        OutputError: it is missing or cut off.
    """
    if (fault := _fault_of(path)) is not None:
        raise OutputError(f"{log.stem}: {path.name} {fault}", help=f"see {log}")


def read_report(path: Path, names: Names) -> tuple[tuple[ClockTiming, ...], tuple[Use, ...]]:
    """Clocks and uses of a report of nextpnr.

    Raises:
        OutputError: it is none.
    """
    try:
        report = json.loads(path.read_bytes(), parse_constant=float.fromhex)
        return clocks_of(report, names), uses_of(report)
    except (ValueError, KeyError, TypeError, AttributeError, ArithmeticError) as error:
        raise OutputError(f"{path.name}: not a report of nextpnr: {error}") from error


def _fault_of(path: Path) -> str | None:
    """What is wrong, as the end of a sentence that begins with the file's name."""
    if not path.is_file():
        return "is missing"
    if path.suffix not in (".json", *_ENDS):
        return None  # an empty report of paths may be true
    if not (size := path.stat().st_size):
        return "is empty"
    if path.suffix == ".json":
        try:
            json.loads(path.read_bytes())
        except ValueError as error:
            return f"is cut off or no JSON: {error}"
        return None
    end = _ENDS[path.suffix]
    with path.open("rb") as file:
        file.seek(max(0, size - len(end)))
        return None if file.read() == end else "is cut off"

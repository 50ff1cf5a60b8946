"""Every string of a board's table, hostile: refused at its place, or nothing but words."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from tilewright.boards import Board, load_board_file

from tilewright.build.synth.constraints import PinOf, constraints_text
from tilewright.spec import SpecError

BOARDS = Path(__file__).resolve().parents[2] / "boards"
WORDS = {"title", "source", "connector", "note"}
"""Keys that hold words for people, which may be any printable line."""


def leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Paths of all strings."""
    if isinstance(value, str):
        yield path
    elif isinstance(value, dict | list):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for key, inner in items:
            yield from leaves(inner, (*path, key))


def with_value(table: Any, path: tuple[Any, ...], text: str) -> Any:
    if not path:
        return text
    changed = table.copy()
    changed[path[0]] = with_value(table[path[0]], path[1:], text)
    return changed


def pins_of(board: Board) -> list[PinOf]:
    pins = [PinOf(port="clk", pin=board.clock.pin, io_standard=board.clock.io_standard,
                  clock_hz=board.clock.frequency_hz)]  # fmt: skip
    assert board.uart is not None
    for port in ("rx", "tx"):
        pin = getattr(board.uart, port)
        pins.append(PinOf(port=port, pin=pin, io_standard=board.uart.io_standard))
    for n, led in enumerate(board.leds):
        pins.append(PinOf(port=f"led[{n}]", pin=led.name, io_standard=led.io_standard))
    return pins


STRIDE = 5
"""Each string is tried at every fifth place, each place with every fifth string: a table takes
milliseconds to read."""


@pytest.mark.parametrize("name", ["ulx3s-85f", "tang-nano-9k"])
def test_strings_of_a_table(name: str, strings: list[str], attempt, tmp_path: Path) -> None:
    table = yaml.safe_load((BOARDS / f"{name}.yaml").read_text())
    path = tmp_path / f"{name}.yaml"
    usual = load_board_file(BOARDS / f"{name}.yaml")
    lines = constraints_text(usual.device.family, pins_of(usual)).count("\n")
    for number, place in enumerate(leaves(table)):
        for text in strings[(number + len(name)) % STRIDE :: STRIDE]:
            where = f"{place}: {text[:100]!r}"
            path.write_text(json.dumps(with_value(table, place, text)))
            outcome, found = attempt(lambda: load_board_file(path), SpecError)
            if outcome == "refused":
                rendered = found.render(color=False)
                assert str(path.name) in rendered, where
                assert all(c.isprintable() or c == "\n" for c in rendered), where
            elif place[-1] in WORDS:
                assert text.isprintable() and len(text) <= 400, where
            else:
                assert re.fullmatch(r"[A-Za-z0-9_/-]{1,64}|up|down", text), where
                written = constraints_text(found.device.family, pins_of(found))
                assert written.count("\n") <= lines, where

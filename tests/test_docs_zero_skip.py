"""docs/zero_skip.md: the words, cycles and latencies that it shows are those of the code."""

import re
from pathlib import Path

import pytest
from tilewright.hw.zero_skip import cost
from tilewright.hw.zero_skip.params import ZeroSkipParams

from tilewright.catalog import load_spec
from tilewright.flow.zero_skip_cases import Packet, params_of, ports, work_of

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "docs" / "zero_skip.md").read_text()
ZEROS = ZeroSkipParams(lanes=4, elements=12)
DELTA = ZeroSkipParams(lanes=2, elements=4, function="delta")
VALUES = [0, 5, 0, -3, 7, 0, 0, 0, 9, -128, 0, 0]
CHANGES = [
    Packet(values=[10, 2, 0, -128], theta=3),
    Packet(values=[12, 4, 2, 127], theta=3, is_reset=False),
    Packet(values=[14, 6, 4, 127], theta=3, is_reset=False),
]


def shown(text: str, bits: int) -> list[int]:
    """Words of the page, `last` on top where `with tlast` says so."""
    words = [part.split() for part in text.split(",")]
    return [int(word[0], 16) | (len(word) > 1) << bits for word in words]


def row(beginning: str) -> list[str]:
    """Cells of the one row of a table that begins so."""
    (line,) = [line for line in PAGE.splitlines() if line.startswith(f"| {beginning} |")]
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_the_words_of_the_example() -> None:
    work = work_of(ZEROS, "page", [Packet(values=VALUES)])
    assert shown(row("`i`")[1], ZEROS.input_bits) == work.inputs["i"]
    assert shown(row("`o`")[1], ZEROS.output_bits) == work.expected["o"]
    assert f"{work.cycles} cycles from the first transfer in" in PAGE
    assert list(cost.output_cycles(ZEROS, [[2, 1, 2]])) == [2 + 5, 2 + 6]


def test_the_words_of_the_changes() -> None:
    work = work_of(DELTA, "page", CHANGES)
    data = (1 << DELTA.input_bits) - 1, (1 << DELTA.output_bits) - 1
    lines = [line for line in PAGE.splitlines() if re.match(r"\| 1[024], ", line)]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    assert [int(c[1], 16) for c in cells] == work.inputs["command"]
    assert [word for c in cells for word in shown(c[2], 0)] == [
        word & data[0] for word in work.inputs["i"]
    ]
    assert [int(c[4], 16) for c in cells] == [word & data[1] for word in work.expected["o"]]
    assert f"The three packets take {work.cycles} cycles" in PAGE


@pytest.mark.parametrize(("function", "line"), [("zeros", 0), ("delta", 1)])
def test_the_latencies(function: str, line: int) -> None:
    lines = [text for text in PAGE.splitlines() if text.startswith("| latency")]
    cells = [int(cell) for cell in lines[line].strip("|").split("|")[1:]]
    for lanes, expected in zip((1, 4, 16, 64), cells, strict=True):
        for n in (lanes, max(lanes // 2, min(2, lanes))):
            params = ZeroSkipParams(lanes=n, elements=4096, function=function)  # type: ignore[arg-type]
            assert cost.latency_cycles(params) == expected, n


def test_the_ports() -> None:
    spec = load_spec(ROOT / "examples" / "kernels" / "zero_skip_p16.yaml")
    for port in ports(params_of(spec.kernel)):
        side = "s" if port.direction == "in" else "m"
        (line,) = [t for t in PAGE.splitlines() if t.startswith(f"| `{side}_axis_{port.name}_")]
        assert int(line.strip("| ").split("|")[-1]) == port.bits

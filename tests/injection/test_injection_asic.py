"""Hostile strings in cell libraries and files of areas: refused with a place, or harmless data."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tilewright.build.synth.asic_passes import Mapping, abc_constraints, last_passes
from tilewright.build.synth.asic_timing import sta_constraints, sta_script
from tilewright.build.synth.liberty import Library, parse_library
from tilewright.build.synth.memory_areas import MemoryAreas, parse_memory_areas
from tilewright.spec import SpecError
from tilewright.spec.diagnostics import printable

ROOT = Path(__file__).resolve().parents[2]
LITTLE = (ROOT / "examples" / "asic" / "little.lib").read_text()
PLACES = (
    "cell (BUF)",
    "cell (ONE)",
    "library (little)",
    "pin (CK)",
    "pin (Y)",
    "pin (Q)",
    '"CK"',
    '"1ns"',
)
Attempt = Callable[..., tuple[str, Any]]


def quoted(text: str) -> str:
    """As a word of a liberty file; a quote or a backslash is escaped as the form wants it."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def scripts(library: Library, top: str = "top") -> list[str]:
    """All that is written for tools from a library."""
    ties = library.tie_cells
    mapping = Mapping(
        period_ps=5000,
        buffer=library.buffer.name if library.buffer is not None else "",
        load_femtofarads=library.flip_flop_input_farads * 1e15,
        ties=(*ties[0], *ties[1]) if ties is not None else (),
    )
    texts = [one.text for one in last_passes(mapping)]
    texts += [abc_constraints(mapping)] if mapping.buffer else []
    texts.append(sta_constraints(["clk"], 2e8, library))
    return [*texts, sta_script("cells.lib", "netlist.v", top, "design.sdc")]


@pytest.mark.parametrize("is_bare", [True, False])
@pytest.mark.parametrize("place", PLACES)
def test_words_of_a_library(
    strings: list[str], canary: Path, attempt: Attempt, place: str, is_bare: bool
) -> None:
    """In the place of a name or a value: no script says anything that it did not say before."""
    usual = {line.split(" ")[0] for text in scripts(parse_library(LITTLE, "x"))
             for line in text.splitlines()}  # fmt: skip
    for text in strings:
        word = text if is_bare else quoted(text)
        written = place.split("(")[0] + f"({word})" if "(" in place else word
        outcome, found = attempt(
            lambda written=written: parse_library(LITTLE.replace(place, written, 1), "x.lib"),
            SpecError,
        )
        if outcome == "refused":
            assert str(found).startswith("x.lib:")
            assert all(c.isprintable() or c == "\n" for c in str(found))
            continue
        outcome, told = attempt(lambda found=found: scripts(found), ValueError)
        if outcome == "taken":
            first = {line.split(" ")[0] for whole in told for line in whole.splitlines()}
            assert first <= usual, (text, first)


def test_names_of_the_top_module(strings: list[str], canary: Path, attempt: Attempt) -> None:
    library = parse_library(LITTLE, "x.lib")
    for text in strings:
        outcome, told = attempt(lambda text=text: scripts(library, text), ValueError)
        assert outcome == "refused" or text.isidentifier(), (text, told)


def test_files_of_areas(strings: list[str], canary: Path, attempt: Attempt) -> None:
    """Modules and sources are compared and shown, nothing else."""
    for text in strings:
        for key in ("module", "source"):
            word = json.dumps(text)
            entry = word if key == "module" else '"good"'
            source = word if key == "source" else '"good"'
            content = (
                f"tilewright_memory_areas: 1\nsource: {source}\n"
                f"memories: [{{module: {entry}, um2: 1}}]\n"
            )
            outcome, found = attempt(
                lambda content=content: parse_memory_areas(content, "a.yaml"), SpecError
            )
            if outcome == "refused":
                assert str(found).startswith("a.yaml:")
                assert all(c.isprintable() or c == "\n" for c in str(found))
            else:
                assert isinstance(found, MemoryAreas)
                assert printable(found.source).isprintable()

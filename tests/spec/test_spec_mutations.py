"""Random changes of good specs give located errors or good specs: never anything else."""

import random
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tilewright.board_of_spec import known_boards
from tilewright.spec import AcceleratorSpec, KernelSpec, SpecError, parse_spec, spec_template

EXAMPLES = Path(__file__).resolve().parent.parent.parent / "examples"
SOURCES = [path.read_text(encoding="utf-8") for path in sorted(EXAMPLES.rglob("*.yaml"))]
SOURCES += [spec_template("kernel"), spec_template("accelerator")]
SOURCES += [re.sub("(?m)^( *)# ", r"\1", spec_template("kernel"))]
CHARACTERS = "{}[]:,#&*!|>'\"%@`-?~<=. \t\n\r\0\x1b\x85\u2028\ufeff\u0661数0189aeAZ_\\/\ud800"
TOKENS = """no yes true null ~ 0 -1 1 8 16 257 65536 1e8 012 0x10 .inf .nan 9999999999999999999999
    int8 uint2 int33 64KiB 64KB 10s systolic kernel accelerator exact fixed raw [] {} [1] {a: 1}
    !!str &a *a << --- ... ''"""
ALL_TOKENS = [*TOKENS.split(), "9" * 5000, "[" * 50, "a" * 5000, "? a", "- b", "x: y"]
TOKEN = re.compile(r"[A-Za-z0-9_.]+|[^\sA-Za-z0-9_.]")


def change_character(text: str, rng: random.Random) -> str:
    position = rng.randrange(len(text))
    kept = position + rng.randrange(2)
    return text[:position] + rng.choice(["", rng.choice(CHARACTERS)]) + text[kept:]


def change_token(text: str, rng: random.Random) -> str:
    tokens = list(TOKEN.finditer(text))
    if not tokens:
        return text
    token = rng.choice(tokens)
    other = rng.choice([rng.choice(ALL_TOKENS), rng.choice(tokens)[0], "", token[0] * 2])
    return text[: token.start()] + other + text[token.end() :]


def change_line(text: str, rng: random.Random) -> str:
    lines = text.split("\n")
    position = rng.randrange(len(lines))
    line = lines[position]
    kind = rng.randrange(5)
    if kind == 0:
        del lines[position]
    elif kind == 1:
        lines.insert(rng.randrange(len(lines)), line)
    elif kind == 2:
        lines[position] = " " * rng.randrange(6) + line.strip()
    elif kind == 3:
        lines[position] = line[: rng.randrange(len(line) + 1)]
    else:
        lines.insert(position, rng.choice(rng.choice(SOURCES).split("\n")))
    return "\n".join(lines)


CHANGES: tuple[Callable[[str, random.Random], str], ...] = (
    change_character,
    change_token,
    change_token,
    change_line,
)


def run_mutations(seed: int, num_mutations: int) -> tuple[int, int]:
    """Checks mutations; returns how many were good and how many were refused."""
    rng = random.Random(seed)
    num_good = num_refused = 0
    for index in range(num_mutations):
        text = rng.choice(SOURCES)
        for _ in range(rng.choice((1, 1, 1, 2, 3, 8))):
            text = rng.choice(CHANGES)(text, rng) or " "
        where = f"seed {seed}, mutation {index}: {text[:2000]!r}"
        try:
            spec = parse_spec(text, "t.yaml", directory=EXAMPLES, boards=known_boards())
        except SpecError as error:
            num_refused += 1
            check_located(error, text, where)
        except Exception as error:
            raise AssertionError(where) from error
        else:
            num_good += 1
            assert isinstance(spec, (KernelSpec, AcceleratorSpec)), where
    return num_good, num_refused


def check_located(error: SpecError, text: str, where: str) -> None:
    num_lines = len(re.split("\r\n|\r|\n", text))
    assert error.diagnostics, where
    for diagnostic in error.diagnostics:
        assert diagnostic.file == "t.yaml", where
        assert diagnostic.line is not None, where
        assert 1 <= diagnostic.line <= num_lines, where
        assert diagnostic.column is not None, where
        assert diagnostic.source_line is not None, where
        assert 1 <= diagnostic.column <= len(diagnostic.source_line) + 1, where
        rendered = diagnostic.render()
        assert all(c.isprintable() or c == "\n" for c in rendered), where


@pytest.mark.parametrize("seed", [1, 2, 3, 4, 5])
def test_2000_mutations(seed: int) -> None:
    num_good, num_refused = run_mutations(seed, 2000)
    assert num_good >= 200, "mutations so rough that nothing good is left test too little"
    assert num_refused >= 1000

"""Random changes of good tables give located errors or good boards: never anything else."""

import random
import re
from pathlib import Path

import pytest
from tilewright.boards import Board, load_board_file
from tilewright.boards.load import FOLDER
from tilewright.boards.table import DevicesTable

from tilewright.spec import SpecError
from tilewright.spec.table import load_table

SOURCES = [path.read_text(encoding="utf-8") for path in sorted(FOLDER.glob("*.yaml"))]
DEVICES = [path.read_text(encoding="utf-8") for path in sorted((FOLDER / "devices").glob("*.yaml"))]
CHARACTERS = "{}[]:,#&*!|>'\"%@`-?~. \t\n\r\0\x1b\u2028\u0661数019aeAZ_\\/"
TOKENS = ["no", "true", "null", "~", "0", "-1", "16", "1e8", ".inf", ".nan", "9" * 20, "64KiB",
          "10GHz", "0Hz", "block_ram", "hbm", "large_ram", "open", "vivado", "LFE5U-25F",
          "XC7A100T", "up", "''", '""', "[]", "{}", "[1]", "{a: 1}", "!!str", "&a", "*a", "<<",
          "---", "..."]  # fmt: skip
TOKEN = re.compile(r"[A-Za-z0-9_.]+|[^\sA-Za-z0-9_.]")


def changed(text: str, rng: random.Random) -> str:
    kind = rng.randrange(4)
    if kind == 0:
        at = rng.randrange(len(text))
        return text[:at] + rng.choice(CHARACTERS) + text[at + rng.randrange(2) :]
    if kind == 1:
        tokens = list(TOKEN.finditer(text))
        token = rng.choice(tokens)
        other = rng.choice([*TOKENS, rng.choice(tokens)[0], ""])
        return text[: token.start()] + other + text[token.end() :]
    lines = text.split("\n")
    at = rng.randrange(len(lines))
    if kind == 2:
        del lines[at]
    else:
        lines.insert(at, rng.choice(rng.choice(SOURCES).split("\n")))
    return "\n".join(lines)


@pytest.mark.parametrize("seed", range(4))
def test_tables_with_random_changes(seed: int, tmp_path: Path) -> None:
    rng = random.Random(seed)
    path = tmp_path / "mine.yaml"
    num_good = 0
    for _ in range(100):
        is_board = rng.random() < 0.8
        text = rng.choice(SOURCES if is_board else DEVICES)
        for _ in range(rng.randrange(1, 4)):
            text = changed(text, rng)
        path.write_text(text, encoding="utf-8", newline="")
        try:
            found = load_board_file(path) if is_board else load_table(path, DevicesTable)
        except SpecError as error:
            for diagnostic in error.diagnostics:
                shown = diagnostic.render()
                assert diagnostic.line is not None, (seed, text, shown)
                assert all(c.isprintable() or c == "\n" for c in shown), (seed, text)
        else:
            num_good += 1
            if isinstance(found, Board):
                clock_hz = found.clock.frequency_hz
                for memory in found.memories:
                    assert 1 <= memory.latency_cycles(clock_hz) <= 10_000
                    assert memory.bytes_per_cycle(clock_hz) in (None, *(1 << i for i in range(8)))
    assert 10 < num_good < 90

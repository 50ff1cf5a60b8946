"""Instances of the planner's benchmark: graphs with budgets and goals, MiniMalloc's files."""

import csv
import hashlib
from dataclasses import dataclass
from pathlib import Path

from tilewright.dataflow.placement.packing import Rectangle

GRAPHS = Path(__file__).resolve().parents[2] / "examples" / "graphs"
KIB = 1024


@dataclass(frozen=True, kw_only=True)
class Case:
    """A graph at a budget; `budget` None is M_R, the largest need of one operator."""

    graph: str
    budget: int | None = None
    known: str = ""
    bytes: int = 0
    seconds: float = 0.3

    @property
    def name(self) -> str:
        return f"{self.graph}@{'M_R' if self.budget is None else self.budget}"


BOTH = "COSMA's heuristic on such networks: 2 min, 85 % fewer bytes"
CASES = (
    Case(graph="resnet50", known="0"),
    Case(graph="mobilenetv2", known="0"),
    Case(graph="resnext50", budget=9_633_792, known="6,422,528, default order", seconds=1),
    Case(
        graph="densenet121_i8",
        budget=1_634_560,
        known="2,609,152 optimal",
        bytes=2_609_152,
        seconds=0.5,
    ),
    Case(
        graph="densenet121_f32",
        budget=7_454_848,
        known="a public port: unsolved after 600 s",
        bytes=5_619_712,
        seconds=1,
    ),
    Case(graph="nasnet_mobile", budget=529_803, known=BOTH, bytes=374_550, seconds=5),
    Case(graph="darts", budget=301_056, known=BOTH, bytes=301_056, seconds=5),
    Case(graph="bert_12L", bytes=2_359_296),
    Case(graph="bert_S512", bytes=9_437_184),
    Case(graph="gpt2_12L", bytes=37_748_736),
)

LEAST_KIB = {
    "resnext50": 9408.0,
    "densenet121_i8": 2058.0,
    "bert_S512": 6528.0,
    "bert_12L": 864.0,
    "gpt2_12L": 26112.0,
    "nasnet_mobile": 665.4,
    "darts": 330.8,
}
"""M_P, the least budget without spills, in KiB to one digit."""

CAPACITY = 1_048_576
MINIMALLOC = {
    "A": "4660c0d84de8a0bcada83e3a9faab2793bcb008f38b8eea228fe2b5b6c66af1a",
    "B": "83f3ce84099f199e804376a2b6104c7812db9d96a340695ebd44275bb4b2798a",
    "C": "88a286397f28b21d623f82a99f53d7c48be689ac3a4830e091d19622b8229f15",
    "D": "5f7d865fe822b0c2124e3ddb17d7dd94faf27e5f72e5938a94f87a0618eb1f80",
    "E": "25b153b7836474534cf19c4b6db46bf7a21892a21f49051817c4fdba24a79fc5",
    "F": "a1266bb5adc0793c8b7b04a006d6b073fe3557fe084458e9a13c0794038ce10b",
    "G": "60bc03e388349033b42ccfb070b071b4321015006fdabe96905fdc30f156da7d",
    "H": "3f87b5a2fc337836120e90806e21837d80273095ac4c3c08146d084850d0e9da",
    "K": "0ed830405f662b2c35ba4f5dc408ac8c95678513ecde6ee4cce5b892b15db4f1",
}
"""SHA-256 of the files of google/minimalloc, benchmarks/challenging (M. D. Moffitt, "MiniMalloc",
ASPLOS 2023).
"""

CP_SAT_ALONE = "BEFGHK"
"""Files that CP-SAT alone packs within 40 s."""


def rectangles(path: Path) -> list[Rectangle]:
    """The buffers of a file with columns `id,lower,upper,size`; lifetimes are half open."""
    with path.open(newline="") as file:
        return [
            Rectangle(start=int(row["lower"]), end=int(row["upper"]), size=int(row["size"]))
            for row in csv.DictReader(file)
        ]


def is_original(path: Path, letter: str) -> bool:
    """Whether the file is the one that the figures are about."""
    return hashlib.sha256(path.read_bytes()).hexdigest() == MINIMALLOC[letter]


def packing_fault(shapes: list[Rectangle], offsets: tuple[int, ...], capacity: int) -> str | None:
    """What is wrong with a packing, tested pair by pair."""
    for place, (one, low) in enumerate(zip(shapes, offsets, strict=True)):
        if low < 0 or low + one.size > capacity:
            return f"buffer {place} lies outside the capacity"
        for other, start in zip(shapes[:place], offsets[:place], strict=True):
            shares_time = one.start < other.end and other.start < one.end
            if shares_time and low < start + other.size and start < low + one.size:
                return f"buffer {place} overlaps another"
    return None


def file_name(letter: str) -> str:
    return f"{letter}.{CAPACITY}.csv"


def where_from(letters: list[str]) -> str:
    """Where files that are not here can be had."""
    sums = ", ".join(f"{file_name(x)} (sha256 {MINIMALLOC[x]})" for x in letters)
    return f"not in --data: google/minimalloc benchmarks/challenging: {sums}"

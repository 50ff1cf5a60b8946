"""What ASIC synthesis found, as frozen objects that go to `synth.json` and back.

Areas are in the unit of the cell library, um2 in practice. They are areas of cells: no utilisation,
no wires, no clock tree.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from tilewright.build.synth.result import StageTime

__all__ = ["ABC_MEANING", "NOT_GIVEN", "STA_MEANING", "AsicMemory", "AsicModule", "AsicSynthesis",
           "GatePath", "GateStep"]  # fmt: skip

NOT_GIVEN: Final = "area not given"
ABC_MEANING: Final = (
    "ABC's estimate of the slowest gates between registers, memories and ports: without the time "
    "of the registers themselves, without wires, in the one corner of the library"
)
STA_MEANING: Final = (
    "OpenSTA, from a register's clock through the gates to the next one's setup: without wires, "
    "the clock ideal, memories as black boxes that no path crosses, in the library's one corner"
)


@dataclass(frozen=True, kw_only=True)
class AsicModule:
    """One instance: `path` in the design ("" is the top), its Verilog module, its own cells.

    cells : by type. area : of these cells alone; what lies in the instances inside is theirs.
    """

    path: str
    module: str
    cells: Mapping[str, int]
    area: float

    @property
    def num_cells(self) -> int:
        return sum(self.cells.values())


@dataclass(frozen=True, kw_only=True)
class AsicMemory:
    """One memory that stayed a memory. `area` is what the user gave for it; None: not given."""

    path: str
    instance: str
    module: str
    words: int
    bits: int
    read_ports: int
    write_ports: int
    has_contents: bool
    area: float | None = None


@dataclass(frozen=True, kw_only=True)
class GateStep:
    """A gate of a path: its type, its name where the tool tells it, and when its output moves."""

    cell_type: str
    name: str
    arrival_seconds: float


@dataclass(frozen=True, kw_only=True)
class GatePath:
    """The slowest path that a tool found. `meaning` says what `seconds` holds and what not."""

    tool: str
    meaning: str
    seconds: float
    start: str
    end: str
    steps: tuple[GateStep, ...]
    slack_seconds: float | None = None


@dataclass(frozen=True, kw_only=True)
class AsicSynthesis:
    """Everything that is known of a design in a cell library.

    freq_hz : the clock that gates were chosen for. sequential : areas of flip-flops and latches.
    paths : ABC's first; OpenSTA's where it is installed. notes : what a reader must know.
    """

    top: str
    library: str
    library_sha256: str
    verilog_sha256: str
    freq_hz: float
    stages: tuple[StageTime, ...]
    modules: tuple[AsicModule, ...]
    memories: tuple[AsicMemory, ...]
    num_flip_flops: int
    sequential_area: float
    paths: tuple[GatePath, ...] = ()
    notes: tuple[str, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)

    @property
    def cell_area(self) -> float:
        """Of all cells; memories are not in it."""
        return sum(row.area for row in self.modules)

    @property
    def cells(self) -> dict[str, int]:
        """All cells by type."""
        found: Counter[str] = Counter()
        for row in self.modules:
            found.update(row.cells)
        return dict(sorted(found.items()))

    @property
    def memory_area(self) -> float:
        """Of the memories whose area is given."""
        return sum(memory.area for memory in self.memories if memory.area is not None)

    @property
    def without_area(self) -> tuple[AsicMemory, ...]:
        """Memories whose area nobody gave: the sum is too small by them."""
        return tuple(memory for memory in self.memories if memory.area is None)

    def within(self, path: str) -> float:
        """Area of an instance's cells with everything inside it, without memories."""
        inside = (r for r in self.modules if r.path == path or r.path.startswith(f"{path}."))
        return sum(row.area for row in (self.modules if not path else inside))

    @property
    def slack_seconds(self) -> float | None:
        """Of the best judge there is: OpenSTA's slack, else the period less ABC's estimate."""
        if not self.paths:
            return None
        last = self.paths[-1]
        if last.slack_seconds is not None:
            return last.slack_seconds
        return 1 / self.freq_hz - last.seconds

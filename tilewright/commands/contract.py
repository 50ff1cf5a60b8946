"""What the verbs and the flow agree on: the calls of `tilewright.flow` and what they return."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from tilewright.errors import EXIT_GOOD

if TYPE_CHECKING:
    from tilewright.spec import Spec

SWEEP_FILE = "sweep.json"
"""What `sweep` leaves in a folder, and `report` looks for."""

POINT_FILE = "point.json"
"""What `estimate --out` leaves there."""

Progress = Callable[[str], None]
"""Called with one short line at the start of each stage of work."""


def no_progress(_line: str) -> None:
    """The progress of a caller who does not want to hear."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a verb has to say: for people `text`, for programs `data`, and the exit code."""

    text: str = ""
    data: dict[str, Any] = field(default_factory=dict)
    exit_code: int = EXIT_GOOD


class FlowResult(Protocol):
    """What each call of the flow returns, a frozen object."""

    @property
    def ok(self) -> bool:
        """Whether everything that was asked for fits, ran and agreed."""

    def table(self) -> str:
        """For people: a table without colour, at most 100 columns, without a newline at the end."""

    def to_json(self) -> dict[str, Any]:
        """For programs: the same and more, ready for `json.dumps`."""


class Flow(Protocol):
    """The module `tilewright.flow`.

    `out` is the directory to publish; nothing is written outside it and the build cache. Raises
    `SpecError` (spec or model), `ToolError`, `OutputError`, `NothingRunError`.
    """

    def estimate(
        self, spec: "Spec", out: Path | None = None, *, progress: Progress = no_progress
    ) -> FlowResult:
        """Cycles by the cost laws; writes nothing without `out`."""

    def generate(self, spec: "Spec", out: Path, *, progress: Progress = no_progress) -> FlowResult:
        """Verilog, program, memory image and manifest."""

    def verify(
        self,
        spec: "Spec",
        out: Path,
        *,
        samples: int | None = None,
        seed: int | None = None,
        waves: tuple[int, int] | None = None,
        progress: Progress = no_progress,
    ) -> FlowResult:
        """Generate, simulate and compare.

        None means as the spec says; `waves` is a window of cycles, [start, end).
        """

    def run(
        self, spec: "Spec", out: Path, *, inputs: Path, progress: Progress = no_progress
    ) -> FlowResult:
        """Run the simulated hardware on the user's inputs (`.npz`, one array per model input)."""

    def report(self, out: Path) -> FlowResult:
        """What an earlier `verify` or `run` in `out` found; the directory was checked before."""

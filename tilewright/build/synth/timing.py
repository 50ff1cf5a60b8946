"""What nextpnr reports of clocks and their critical paths, in the names of the design."""

import re
from collections.abc import Mapping
from typing import Any, Final

from tilewright.build.synth.result import ClockTiming, PathStep, Use
from tilewright.build.synth.scopes import Mark, mark_of

__all__ = ["Names", "clean_clock", "clocks_of", "uses_of"]

_STEP_WORDS: Final = {"clk-to-q": "clock-to-out", "source": "clock-to-out"}
_OPERATIONS: Final = {
    "add": "add", "sub": "subtract", "mul": "multiply", "neg": "negate", "eq": "compare (==)",
    "ne": "compare (!=)", "lt": "compare (<)", "le": "compare (<=)", "gt": "compare (>)",
    "ge": "compare (>=)", "mux": "choice", "pmux": "choice", "shl": "shift", "shr": "shift",
    "sshr": "shift", "shift": "shift", "shiftx": "shift", "dff": "register", "dffe": "register",
    "sdff": "register", "and": "and", "or": "or", "xor": "xor", "memory": "memory",
}  # fmt: skip
_SUFFIX: Final = re.compile(
    r"_(TRELLIS_FF|LUT[1-6]|CCU2C|PFUMX|L6MUX21|MULT\d+X\d+D?|DP16KD|TRELLIS_DPR16X4|SB_\w+|DFF\w*"
    r"|ALU|MUX2_LUT\d|FD[RSCP]E|CARRY[48])(_.*)?$"
)

_PART_OF_MEMORY: Final = re.compile(r"\.\d+\.\d+(_[A-Z].*)?$")


class Names:
    """From names of cells after place and route to instances and the words of the Verilog.

    `cells` are those of the netlist by name; `paths` the instances by the number in the marks;
    `owner` the number of each cell's instance.
    """

    def __init__(
        self, cells: Mapping[str, Any], paths: list[str], owner: Mapping[str, int]
    ) -> None:
        self._cells, self._paths, self._owner = cells, paths, owner

    def find(self, name: str) -> str | None:
        """The cell of the netlist that a placed cell was made of: names get `$...` appended."""
        while name not in self._cells:
            cut = max(name.rfind("$"), name.rfind("_"))
            if cut <= 0:
                return None
            name = name[:cut]
        return name

    def step(self, kind: str, seconds: float, name: str) -> PathStep:
        """A step of a path, described as far as anything is known of its cell."""
        found = self.find(name)
        place = self._owner.get(found, -1) if found is not None else -1
        mark: Mark | None = None
        primitive = ""
        if found is not None:
            cell = self._cells[found]
            primitive = str(cell["type"])
            mark = mark_of(str(cell["attributes"].get("src", "")))
        return PathStep(
            kind=_STEP_WORDS.get(kind, kind),
            seconds=seconds,
            cell=plain_name(found or name),
            instance=self._paths[place] if 0 <= place < len(self._paths) else "",
            primitive=primitive,
            operation=_operation(mark),
            line=mark.line if mark is not None else 0,
        )


def plain_name(name: str) -> str:
    """A cell's name without what yosys appended: that of the net or memory it is called after."""
    plain = _SUFFIX.sub("", name.partition("$")[0])
    return _PART_OF_MEMORY.sub("", plain) or name


def _operation(mark: Mark | None) -> str:
    if mark is None or mark.operation not in _OPERATIONS:
        return ""
    width = f"{mark.width}-bit " if mark.width > 1 else ""
    return width + _OPERATIONS[mark.operation]


def clean_clock(name: str) -> str:
    """The clock's net as the design calls it: place and route puts buffers of its own around it."""
    name = re.sub(r"^\$glbnet\$", "", name)
    return re.sub(r"(\$(TRELLIS_IO_IN|SB_IO_IN|ibuf|iobuf_i)\w*|_\$glb_clk)+$", "", name)


def clocks_of(report: Mapping[str, Any], names: Names) -> tuple[ClockTiming, ...]:
    """Every clock with its worst path, slowest first."""
    found = []
    for clock, values in report.get("fmax", {}).items():
        fmax, target = float(values["achieved"]) * 1e6, float(values["constraint"]) * 1e6
        found.append(
            ClockTiming(
                name=clean_clock(clock),
                fmax_hz=round(fmax),
                target_hz=round(target),
                slack_seconds=1 / target - 1 / fmax,
                path=_path(report, f"posedge {clock}", names),
            )
        )
    return tuple(sorted(found, key=lambda clock: clock.fmax_hz))


def _path(report: Mapping[str, Any], edge: str, names: Names) -> tuple[PathStep, ...]:
    for path in report.get("critical_paths", ()):
        if path["from"] == edge and path["to"] == edge:
            return tuple(
                names.step(step["type"], float(step["delay"]) * 1e-9, step["to"]["cell"])
                for step in path["path"]
            )
    return ()


def uses_of(report: Mapping[str, Any]) -> tuple[Use, ...]:
    """What the placed design takes of the device, kinds that it does not use left out."""
    rows = report.get("utilization", {}).items()
    return tuple(
        Use(name=name, used=int(row["used"]), available=int(row["available"]))
        for name, row in sorted(rows)
        if row["used"]
    )

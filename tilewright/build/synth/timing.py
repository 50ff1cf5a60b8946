"""What nextpnr reports of clocks and their critical paths, in the names of the design."""

import re
from collections.abc import Mapping
from typing import Any, Final

from tilewright.build.synth.result import ClockTiming, PathStep, Use
from tilewright.build.synth.scopes import Mark, mark_of

__all__ = ["Names", "clean_clock", "clocks_of", "uses_of"]

_STEP_WORDS: Final = {"clk-to-q": "clock-to-out", "source": "clock-to-out"}
_ENDS: Final = ("clock-to-out", "setup")
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


_REGISTERS: Final = ("SB_DFF", "TRELLIS_FF", "DFF")
_ICE40_LUT: Final = "SB_LUT4"
_CARRY_PORT: Final = "COUT"
"""Where a path leaves an iCE40 cell along its carry chain: carry and LUT are one cell there."""


class Names:
    """From names of cells after place and route to instances and the words of the Verilog.

    `cells` are those of the netlist by name; `paths` the instances by the number in the marks;
    `owner` the number of each cell's instance; `products` the nets that multiplications make, with
    their bits; `clocks` the design's names of clocks that a harness calls otherwise.
    """

    def __init__(
        self,
        cells: Mapping[str, Any],
        paths: list[str],
        owner: Mapping[str, int],
        *,
        products: Mapping[str, int] | None = None,
        clocks: Mapping[str, str] | None = None,
    ) -> None:
        self._cells, self._paths, self._owner = cells, paths, owner
        self._products, self._clocks = products or {}, clocks or {}
        self._registers: dict[int, str] | None = None

    def find(self, name: str) -> str | None:
        """The cell of the netlist that a placed cell was made of: names get `$...` appended."""
        while name not in self._cells:
            cut = max(name.rfind("$"), name.rfind("_"))
            if cut <= 0:
                return None
            name = name[:cut]
        return name

    def clock(self, name: str) -> str:
        """The clock's net as the design calls it."""
        clean = clean_clock(name)
        return self._clocks.get(clean, clean)

    def step(self, kind: str, seconds: float, name: str, port: str = "") -> PathStep:
        """A step of a path, described as far as anything is known of its cell; `port`: where the
        path is then.
        """
        kind = _STEP_WORDS.get(kind, kind)
        found = self.find(name)
        if found is not None and kind in _ENDS:
            found = self._register_behind(found)
        primitive, operation, line = "", "", 0
        if found is not None:
            cell = self._cells[found]
            mark = mark_of(str(cell["attributes"].get("src", "")))
            primitive = str(cell["type"])
            if primitive == _ICE40_LUT and kind == "logic" and port == _CARRY_PORT:
                primitive = "SB_CARRY"
            operation = _operation(mark) or self._multiplication(found, mark)
            line = mark.line if mark is not None else 0
        place = self._owner.get(found, -1) if found is not None else -1
        return PathStep(
            kind=kind,
            seconds=seconds,
            cell=plain_name(found or name),
            instance=self._paths[place] if 0 <= place < len(self._paths) else "",
            primitive=primitive,
            operation=operation,
            line=line,
        )

    def _multiplication(self, name: str, mark: Mark | None) -> str:
        """What a LUT or carry without a mark is a part of, if it leads to a product."""
        bits = self._products.get(plain_name(name)) if mark is None else None
        return f"{bits}-bit multiply" if bits is not None else ""

    def _register_behind(self, name: str) -> str:
        """The register at the end of a path whose cell holds a LUT, too: iCE40 has one cell for
        both, called after the LUT.
        """
        if self._cells[name]["type"] != _ICE40_LUT:
            return name
        if self._registers is None:
            self._registers = {
                bit: register
                for register, cell in self._cells.items()
                if cell["type"].startswith(_REGISTERS)
                for bit in cell["connections"].get("D", ())
            }
        outputs = self._cells[name].get("connections", {}).get("O", ())
        return next((self._registers[bit] for bit in outputs if bit in self._registers), name)


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
                name=names.clock(clock),
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
                names.step(
                    step["type"],
                    float(step["delay"]) * 1e-9,
                    step["to"]["cell"],
                    str(step["to"].get("port", "")),
                )
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

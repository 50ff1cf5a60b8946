"""The committed table of real synthesis to cells: rows of `benchmarks/cell_area.csv`, and how one
is made.
"""

import json
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Final

from tilewright.build.synth import asic
from tilewright.build.synth.liberty import Library, read_library

from .resource_designs import ROOT, DesignSpec, designs
from .resource_table import HASH_DIGITS, digest_of
from .run_table import put_object, read_objects

CSV: Final = ROOT / "benchmarks" / "cell_area.csv"
FREQ_HZ: Final = 100e6
"""The clock that gates are sized for: the default of `tilewright synth --family asic`."""
GROUPS: Final = ("systolic_os", "systolic_ws", "accelerator")
MOST_REGISTERS: Final = 8000
"""Larger designs take too long; registers as the model of LUTs counts them."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One synthesis. Areas in the library's unit (um2): `cell_area` of all cells, `register_area`
    of flip-flops among them; memories are in neither. `memory_bits` of memories that stay black
    boxes. `abc_ns`: ABC's slowest gates. `flow` and `verilog` as in `resource_table.Row`.
    """

    key: str
    group: str
    held_out: bool
    library: str
    cell_area: float
    register_area: float
    registers: int
    memory_bits: int
    freq_mhz: float
    abc_ns: str
    yosys: str
    flow: str
    liberty: str
    verilog: str
    seconds: float
    date: str
    spec: str

    @property
    def identity(self) -> tuple[str, ...]:
        """What makes a run the same run."""
        return self.key, self.library, self.verilog, self.yosys, self.flow, self.liberty


def read_rows(path: Path = CSV) -> list[Row]:
    """The table; empty if there is none."""
    return read_objects(Row, path)


def add_row(row: Row, path: Path = CSV) -> None:
    """Put a row into the table, in the order of keys."""
    put_object(row, path, lambda each: (each.key, each.library))


def wanted() -> list[DesignSpec]:
    """Designs of the table: those of arrays and accelerators, the first of each group first."""
    return sorted((d for d in designs() if d.group in GROUPS), key=lambda d: (d.index, d.group))


@cache
def library_of(path: Path) -> Library:
    """A cell library."""
    return read_library(path)


def liberty_digest(library: Library) -> str:
    """What names a library's text in the table."""
    return digest_of(library.text)


@cache
def flow_digest() -> str:
    """The first digits of the SHA-256 of what makes cells of a design besides yosys."""
    folder = Path(asic.__file__).parent
    texts = [(folder / name).read_bytes() for name in asic.SYNTH_FILES]
    return sha256(b"\n".join(texts)).hexdigest()[:HASH_DIGITS]


def identity_of(design: DesignSpec, verilog: str, library: Library) -> tuple[str, ...]:
    """Of a run that is to be made."""
    parts = (digest_of(verilog), version("pyosys"), flow_digest(), liberty_digest(library))
    return (design.key, library.name, *parts)


def measure(design: DesignSpec, verilog: str, library: Library) -> Row:
    """Map a design to the cells of a library."""
    begin = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="tilewright-cell-area-") as name:
        source = Path(name) / "source.v"
        source.write_text(verilog)
        found = asic.synthesise_asic(
            source, design.key, Path(name) / "run", liberty=library, freq_hz=FREQ_HZ
        )
    return Row(
        key=design.key,
        group=design.group,
        held_out=design.is_held_out,
        library=found.library,
        cell_area=round(found.cell_area, 2),
        register_area=round(found.sequential_area, 2),
        registers=found.num_flip_flops,
        memory_bits=sum(memory.words * memory.bits for memory in found.memories),
        freq_mhz=FREQ_HZ / 1e6,
        abc_ns=f"{found.paths[0].seconds * 1e9:.2f}" if found.paths else "",
        yosys=version("pyosys"),
        flow=flow_digest(),
        liberty=liberty_digest(library),
        verilog=digest_of(verilog),
        seconds=round(time.monotonic() - begin, 1),
        date=datetime.now(UTC).date().isoformat(),
        spec=json.dumps(design.data, separators=(",", ":")),
    )

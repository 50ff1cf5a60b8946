"""The committed table of real synthesis runs: rows of `benchmarks/resources.csv`, and how one is
made.
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
from typing import Any, Final

from tilewright.hw.accelerator_resources import accelerator_structure
from tilewright.hw.lib.structure import Structure

from tilewright.build.accelerator_files import accelerator_verilog
from tilewright.build.synth import passes
from tilewright.build.synth.constants import constant_passes
from tilewright.build.synth.flow import synthesise
from tilewright.build.synth.target import Target
from tilewright.build.verilog import emit
from tilewright.catalog import find_template, spec_sections
from tilewright.flow.board_top import board_top_structure
from tilewright.flow.design import make_design
from tilewright.flow.resources import kernel_structure
from tilewright.spec import AcceleratorSpec, KernelSpec, Spec, spec_from_data

from .resource_board_tops import GROUP as BOARD_TOP
from .resource_board_tops import OpenBoardTop, params_of
from .resource_designs import ROOT, DesignSpec
from .run_table import put_object, read_objects

CSV: Final = ROOT / "benchmarks" / "resources.csv"
BATCH: Final = 100
HASH_DIGITS: Final = 16
EDITED: Final = "ecp5"
EDIT_FILES: Final = ("netlist_edit.py", "dsp_pack.py", "carry_pack.py")
"""Of the family whose netlists are edited, and by what."""
PLACED: Final = {
    "ecp5": Target(
        family="ecp5", device="LFE5U-25F", package="CABGA381", speed="6", freq_hz=400e6
    ),
}  # fmt: skip
"""Device, package and speed grade that clocks are for, and a clock that no design reaches: small
devices of a family are placed sooner than large ones and are as fast."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One synthesis. `fmax_mhz` is empty where the design was not placed; `held_out`: no fit sees
    it; `verilog` and `flow` the first digits of SHA-256 of the design and of what makes netlists of
    it besides yosys; `seconds` of wall clock on a busy machine.
    """

    key: str
    group: str
    held_out: bool
    family: str
    lut: int
    ff: int
    carry: int
    muxf: int
    dsp: int
    ram_blocks: int
    ram_bits: int
    lut_ram: int
    fmax_mhz: str
    yosys: str
    nextpnr: str
    flow: str
    verilog: str
    seconds: float
    date: str
    spec: str

    @property
    def identity(self) -> tuple[str, ...]:
        """What makes a run the same run."""
        return self.key, self.family, self.verilog, self.yosys, self.flow


def read_rows(path: Path = CSV) -> list[Row]:
    """The table; empty if there is none."""
    return read_objects(Row, path)


def add_row(row: Row, path: Path = CSV) -> None:
    """Put a row into the table, in the order of keys; runs side by side wait for each other."""
    put_object(row, path, lambda each: (each.key, each.family))


@cache
def _sections() -> Any:
    return spec_sections()


def spec_of(design: DesignSpec) -> Spec:
    """The spec of a design."""
    return spec_from_data(design.data, sections=_sections(), directory=ROOT / "examples")


def structure_of(design: DesignSpec, family: str) -> Structure:
    """What the design is made of, as the model counts it."""
    if design.group == BOARD_TOP:
        return board_top_structure(params_of(design.data[BOARD_TOP]), family)
    return structure_of_spec(spec_of(design), family)


def structure_of_spec(spec: Spec, family: str) -> Structure:
    """The same of any spec."""
    if isinstance(spec, AcceleratorSpec):
        return accelerator_structure(make_design(spec, batch=BATCH).config, family)
    assert isinstance(spec, KernelSpec)
    template = find_template(spec.kernel.template)
    params = template.load("cases").params_of(spec.kernel)
    return kernel_structure(template, params, family)


def verilog_of_design(design: DesignSpec) -> str:
    """The Verilog of a design."""
    if design.group == BOARD_TOP:
        return emit(OpenBoardTop(params_of(design.data[BOARD_TOP])), design.key)
    return verilog_of(spec_of(design))


def verilog_of(spec: Spec) -> str:
    """The Verilog of a spec."""
    if isinstance(spec, AcceleratorSpec):
        return accelerator_verilog(make_design(spec, batch=BATCH))
    assert isinstance(spec, KernelSpec)
    template = find_template(spec.kernel.template)
    params = template.load("cases").params_of(spec.kernel)
    return emit(template.load("kernel")(params), spec.name)


def digest_of(verilog: str) -> str:
    """What names a Verilog text in the table."""
    return sha256(verilog.encode()).hexdigest()[:HASH_DIGITS]


@cache
def flow_digest(family: str, device: str | None = None, *, keeps_registers: bool = False) -> str:
    """The first digits of the SHA-256 of what makes netlists of a family besides yosys; of the
    device, where the family's devices differ in it.
    """
    target = Target(family=family, device=device)  # type: ignore[arg-type]
    steps = [
        *passes.reading_passes(["design.v"], "top"),
        *passes.flattening_passes(),
        *(passes.keeping_passes() if keeps_registers else []),
        *constant_passes(target),
        *passes.mapping_passes(target, "top", {}),
        *passes.final_passes(),
    ]
    texts = [step.text.encode() for step in steps]
    if family == EDITED:
        package = Path(passes.__file__).parent
        texts += [(package / name).read_bytes() for name in EDIT_FILES]
    return sha256(b"\n".join(texts)).hexdigest()[:HASH_DIGITS]


def measure(design: DesignSpec, verilog: str, family: str, *, is_placed: bool) -> Row:
    """Synthesise a design for a family; with `is_placed` also place and route it."""
    begin = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="tilewright-resources-") as name:
        folder = Path(name)
        source = folder / "source.v"
        source.write_text(verilog)
        target = PLACED[family] if is_placed else Target(family=family)  # type: ignore[arg-type]
        to = "pnr" if is_placed else "synth"
        found = synthesise(source, design.key, target, folder / "run", to=to)  # type: ignore[arg-type]
    area, fmax = found.total, found.fmax_hz
    nextpnr = f"yowasp-nextpnr-{family}"
    return Row(
        key=design.key,
        group=design.group,
        held_out=design.is_held_out,
        family=family,
        lut=area.lut,
        ff=area.ff,
        carry=area.carry,
        muxf=area.muxf,
        dsp=area.dsp,
        ram_blocks=area.ram_blocks,
        ram_bits=area.ram_bits_asked,
        lut_ram=area.lut_ram,
        fmax_mhz=f"{fmax / 1e6:.1f}" if fmax is not None else "",
        yosys=version("pyosys"),
        nextpnr=version(nextpnr) if is_placed else "",
        flow=flow_digest(family),
        verilog=digest_of(verilog),
        seconds=round(time.monotonic() - begin, 1),
        date=datetime.now(UTC).date().isoformat(),
        spec=json.dumps(design.data, separators=(",", ":")),
    )

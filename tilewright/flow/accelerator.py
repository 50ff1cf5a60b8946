"""The flow of accelerator specs: estimate, generate, verify, run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tilewright.build.accelerator_files import (
    accelerator_verilog,
    write_design,
)
from tilewright.build.files import output_directory, to_json_bytes, write_arrays, write_file
from tilewright.build.manifests import accelerator_manifest, contents
from tilewright.commands.contract import FlowResult, Progress
from tilewright.spec import AcceleratorSpec

from .accelerator_report import design_data, design_rows, markdown, verification
from .board_report import board_data, board_rows
from .design import Design, make_design
from .inputs import Samples, load_samples, read_arrays
from .resources import accelerator_resources
from .results import REPORT_JSON, REPORT_TEXT, Result
from .simulation import SIMULATION, dequantized, outputs_of, prepare, simulate, simulate_stalled
from .verdict import judge


def _seed(spec: AcceleratorSpec, seed: int | None) -> int:
    if seed is not None:
        return seed
    return spec.verify.seed if spec.verify is not None else 1


def _manifest(design: Design, seed: int) -> dict[str, Any]:
    return contents(accelerator_manifest(design, seed=seed))


def estimate_accelerator(
    spec: AcceleratorSpec, progress: Progress, out: Path | None = None
) -> FlowResult:
    """Cycles by the cost laws for one start; into `out` a page of where they go."""
    progress("estimate")
    design = make_design(spec)
    cycles = design.estimate.cycles
    resources = accelerator_resources(spec, design)
    rows = [*design_rows(design), *board_rows(spec, cycles, design.batch), *resources.rows]
    data = {**design_data(design), **board_data(spec, cycles), **resources.data}
    if out is not None:
        from .point_report import write_point

        progress("where the cycles go")
        written = write_point(spec, design, out)
        rows, data = [*rows, *written.rows], {**data, **written.data}
    return Result(
        title=f"{spec.name}: estimate",
        ok=not resources.excess,
        rows=rows,
        data=data,
        notes=resources.excess,
    )


def generate_accelerator(spec: AcceleratorSpec, out: Path, progress: Progress) -> FlowResult:
    """All files, nothing simulated."""
    progress("plan")
    design = make_design(spec)
    progress("elaborate")
    verilog = accelerator_verilog(design)
    with output_directory(out, manifest=_manifest(design, _seed(spec, None))) as (folder, _):
        write_design(design, folder, verilog=verilog)
    path = out / f"{design.name}.v"
    rows = [*design_rows(design), ("Verilog", f"{path} ({len(verilog):,} bytes)")]
    title = f"{spec.name}: generated (nothing simulated)"
    return Result(title=title, ok=True, rows=rows, data=design_data(design))


def verify_accelerator(
    spec: AcceleratorSpec,
    out: Path,
    *,
    samples: int | None,
    seed: int | None,
    waves: tuple[int, int] | None,
    progress: Progress,
) -> FlowResult:
    """Generate, simulate on real inputs, compare, report."""
    progress("plan")
    design = make_design(spec)
    chosen = load_samples(spec, design, samples)
    return _measure(spec, design, chosen, out, _seed(spec, seed), waves, progress)


def run_inputs(spec: AcceleratorSpec, out: Path, *, inputs: Path, progress: Progress) -> FlowResult:
    """The same on the user's arrays; outputs go to `outputs.npz`."""
    progress("plan")
    design = make_design(spec)
    names = {tensor.name: tensor.origin for tensor in design.graph.inputs}
    chosen = read_arrays(inputs, design, names, labels=None, samples=None)
    return _measure(spec, design, chosen, out, _seed(spec, None), None, progress)


def _measure(
    spec: AcceleratorSpec,
    design: Design,
    samples: Samples,
    out: Path,
    seed: int,
    waves: tuple[int, int] | None,
    progress: Progress,
) -> FlowResult:
    prepared = prepare(design, samples, has_waves=waves is not None, progress=progress)
    progress("simulate")
    with output_directory(out, manifest=_manifest(design, seed)) as (folder, _):
        write_design(design, folder, verilog=prepared.verilog)
        result = simulate(prepared, folder / SIMULATION, seed=seed, waves=waves)
        progress("simulate under stalls")
        stalled = simulate_stalled(prepared, folder, seed=seed)
        progress("compare")
        outputs = outputs_of(design, result)
        verdict = judge(spec, design, samples, prepared.inputs, outputs, stalled)
        report = verification(design, verdict, result, out, is_compiled=prepared.is_compiled)
        _write_report(folder, report, design)
        write_arrays(folder / "outputs.npz", dequantized(design, outputs, samples.count))
    return report


def _write_report(folder: Path, report: Result, design: Design) -> None:
    data: dict[str, Any] = {"ok": report.ok, **report.to_json()}
    write_file(folder / REPORT_JSON, to_json_bytes(data))
    write_file(folder / REPORT_TEXT, markdown(report, design))

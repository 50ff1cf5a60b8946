"""The flow of accelerator specs: estimate, generate, verify, run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tilewright.build.accelerator_files import (
    accelerator_verilog,
    design_manifest,
    program_writes,
    write_design,
)
from tilewright.build.accelerator_run import (
    AcceleratorCase,
    AcceleratorResult,
    MemoryTiming,
    build_accelerator,
    run_accelerator,
)
from tilewright.build.files import output_directory, to_json_bytes, write_arrays, write_file
from tilewright.build.waves import WaveWindow
from tilewright.commands.contract import FlowResult, Progress
from tilewright.dataflow.memory_map import memory_image, read_activations
from tilewright.hw.configure import CORE
from tilewright.hw.top import register_table
from tilewright.spec import AcceleratorSpec

from .design import Design, make_design
from .inputs import Samples, load_samples, read_arrays
from .results import (
    REPORT_JSON,
    REPORT_TEXT,
    Result,
    activity_table,
    limit_sentence,
    markdown_activity,
)
from .verdict import Verdict, judge

DEFAULT_BATCH = 1
LIMIT_FACTOR = 4
LIMIT_SLACK_CYCLES = 100_000
SIMULATION = "simulation"


def _batch(spec: AcceleratorSpec) -> int:
    return spec.verify.batch if spec.verify is not None else DEFAULT_BATCH


def estimate_accelerator(spec: AcceleratorSpec, progress: Progress) -> FlowResult:
    """Cycles by the cost laws for one start."""
    progress("estimate")
    design = make_design(spec, batch=_batch(spec))
    rows = _design_rows(design)
    return Result(title=f"{spec.name}: estimate", ok=True, rows=rows, data=_design_data(design))


def generate_accelerator(spec: AcceleratorSpec, out: Path, progress: Progress) -> FlowResult:
    """All files, nothing simulated."""
    progress("plan")
    design = make_design(spec, batch=_batch(spec))
    progress("elaborate")
    verilog = accelerator_verilog(design)
    manifest = design_manifest(design, seed=_seed(spec, None))
    with output_directory(out, manifest=manifest) as (folder, _):
        write_design(design, folder, verilog=verilog)
    rows = [
        *_design_rows(design),
        ("Verilog", f"{out / f'{design.name}.v'} ({len(verilog):,} bytes)"),
    ]
    return Result(
        title=f"{spec.name}: generated (nothing simulated)",
        ok=True,
        rows=rows,
        data=_design_data(design),
    )


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
    design = make_design(spec, batch=_batch(spec))
    chosen = load_samples(spec, design, samples)
    return _simulate(
        spec, design, chosen, out, seed=_seed(spec, seed), waves=waves, progress=progress
    )


def run_inputs(spec: AcceleratorSpec, out: Path, *, inputs: Path, progress: Progress) -> FlowResult:
    """The same on the user's arrays; outputs go to `outputs.npz`."""
    design = make_design(spec, batch=_batch(spec))
    names = {tensor.name: tensor.origin for tensor in design.graph.inputs}
    chosen = read_arrays(inputs, design, names, labels=None, samples=None)
    return _simulate(
        spec, design, chosen, out, seed=_seed(spec, None), waves=None, progress=progress
    )


def _seed(spec: AcceleratorSpec, seed: int | None) -> int:
    if seed is not None:
        return seed
    return spec.verify.seed if spec.verify is not None else 1


@dataclass(frozen=True, kw_only=True)
class _Starts:
    """Memory images of all starts, and their quantised inputs."""

    cases: tuple[AcceleratorCase, ...]
    inputs: tuple[Mapping[str, NDArray[Any]], ...]


def _starts(design: Design, samples: Samples) -> _Starts:
    writes = program_writes(design)
    limit = LIMIT_FACTOR * design.estimate.cycles + LIMIT_SLACK_CYCLES
    cases, inputs = [], []
    for number, batch in enumerate(samples.batches(design.batch)):
        quantized = {
            name: design.graph.tensor(name).quantize(values) for name, values in batch.items()
        }
        image = memory_image(design.graph, design.plan, design.machine, quantized)
        # The program stays in a programmable accelerator: it is loaded once.
        case = AcceleratorCase(
            name=f"start_{number}",
            image=image,
            writes=writes if number == 0 else (),
            limit_cycles=limit,
        )
        cases.append(case)
        inputs.append(quantized)
    return _Starts(cases=tuple(cases), inputs=tuple(inputs))


def _simulate(
    spec: AcceleratorSpec,
    design: Design,
    samples: Samples,
    out: Path,
    *,
    seed: int,
    waves: tuple[int, int] | None,
    progress: Progress,
) -> FlowResult:
    progress("elaborate")
    verilog = accelerator_verilog(design)
    table = register_table(design.config)
    progress("compile the simulation")
    page = 4096
    memory_bytes = -(-design.memory_bytes // page) * page
    model = build_accelerator(
        verilog,
        module=design.name,
        port_bytes=design.machine.port_bytes,
        memory_bytes=1 << (memory_bytes - 1).bit_length(),
        lite_address_bits=table.address_bits,
        has_waves=waves is not None,
    )
    progress("simulate")
    starts = _starts(design, samples)
    with output_directory(out, manifest=design_manifest(design, seed=seed)) as (folder, _):
        write_design(design, folder, verilog=verilog)
        result = run_accelerator(
            model,
            starts.cases,
            folder / SIMULATION,
            registers={register.name: register.offset for register in table.registers},
            num_counters=len(design.config.units) * 6,
            port_bytes=design.machine.port_bytes,
            timing=_timing(design, seed),
            seed=seed,
            waves=_window(waves),
        )
        progress("compare")
        outputs = _outputs(design, result)
        verdict = judge(spec, design, samples, starts.inputs, outputs, result)
        report = _report(design, verdict, result, out, model_was_cached=model.was_cached)
        _write_report(folder, report, design)
        write_arrays(folder / "outputs.npz", _dequantized(design, outputs, samples.count))
    return report


def _timing(design: Design, seed: int) -> MemoryTiming:
    memory = design.machine.memory
    return MemoryTiming(
        latency_cycles=memory.latency_cycles,
        outstanding_bursts=memory.outstanding_bursts,
        seed=max(1, seed & 0x7FFF_FFFF),
    )


def _window(waves: tuple[int, int] | None) -> WaveWindow | None:
    picoseconds = 10_000
    if waves is None:
        return None
    return WaveWindow(start_ps=waves[0] * picoseconds, end_ps=waves[1] * picoseconds)


def _outputs(design: Design, result: AcceleratorResult) -> dict[str, NDArray[Any]]:
    """Every output of every start that was measured, samples in order."""
    outputs = {}
    for tensor in design.graph.outputs:
        parts = [
            read_activations(case.image, design.graph, design.plan, design.machine, tensor.name)
            for case in result.cases
            if not case.problems
        ]
        empty = np.zeros((0, tensor.shape[1]), tensor.number_format)
        outputs[tensor.name] = np.concatenate(parts) if parts else empty
    return outputs


def _dequantized(
    design: Design, outputs: Mapping[str, NDArray[Any]], count: int
) -> dict[str, NDArray[np.float32]]:
    return {
        design.graph.tensor(name).origin: design.graph.tensor(name).dequantize(values[:count])
        for name, values in outputs.items()
    }


def _design_rows(design: Design) -> list[tuple[str, str]]:
    engine = design.machine.engines[0].params
    estimate = design.estimate
    return [
        ("array", f"{engine['rows']} x {engine['cols']}, {engine['dataflow']}"),
        ("work per start", f"{design.batch} samples, {design.macs:,} MACs"),
        ("cycles estimated", f"{estimate.cycles:,} per start"),
        (
            "utilisation",
            f"{100 * estimate.utilisation(design.macs):.1f} % of {estimate.macs_per_cycle} MAC/cycle",
        ),
        (
            "memory traffic",
            f"{estimate.read_words * design.machine.word_bytes:,} bytes read, "
            f"{estimate.written_words * design.machine.word_bytes:,} written",
        ),
    ]


def _design_data(design: Design) -> dict[str, Any]:
    return {
        "name": design.name,
        "macs": design.macs,
        "batch": design.batch,
        "estimated_cycles": design.estimate.cycles,
        "utilisation": design.estimate.utilisation(design.macs),
        "commands": design.program.num_commands,
        "memory_bytes": design.memory_bytes,
    }


def _report(
    design: Design,
    verdict: Verdict,
    result: AcceleratorResult,
    out: Path,
    *,
    model_was_cached: bool,
) -> Result:
    activity = _activity(design, result)
    estimated = design.estimate.cycles * len(result.cases)
    measured = sum(case.cycles for case in result.cases)
    utilisation = (
        design.macs * len(result.cases) / max(1, measured * design.estimate.macs_per_cycle)
    )
    rows = [
        *verdict.rows(),
        ("cycles measured", f"{measured:,} in {len(result.cases)} start(s)"),
        ("cycles estimated", f"{estimated:,}"),
        ("difference", f"{measured - estimated:,}"),
        ("utilisation", f"{100 * utilisation:.1f} % of {design.estimate.macs_per_cycle} MAC/cycle"),
        ("where cycles went", limit_sentence(activity, CORE) if activity else "not measured"),
        ("Verilog", str(out / f"{design.name}.v")),
        ("report", str(out / REPORT_TEXT)),
    ]
    is_ok = result.is_passed and verdict.is_right and measured == estimated
    data = {
        **_design_data(design),
        **verdict.data(),
        "cycles": [case.cycles for case in result.cases],
        "difference": measured - estimated,
        "measured_utilisation": utilisation,
        "activity": activity,
        "bytes_read": sum(case.bytes_read for case in result.cases),
        "bytes_written": sum(case.bytes_written for case in result.cases),
        "simulation_seconds": result.run.seconds,
        "was_compiled": not model_was_cached,
        "repeat": result.run.repeat.replace(str(result.run.folder), str(out / SIMULATION)),
        "verilog": str(out / f"{design.name}.v"),
    }
    notes = [] if result.run.is_passed else [result.run.explain()]
    return Result(title=f"{design.name}: verification", ok=is_ok, rows=rows, data=data, notes=notes)


def _activity(design: Design, result: AcceleratorResult) -> dict[str, dict[str, int]]:
    if not result.cases:
        return {}
    totals = np.sum([case.counters for case in result.cases], axis=0)
    return activity_table([unit.name for unit in design.config.units], [int(n) for n in totals])


def _write_report(folder: Path, report: Result, design: Design) -> None:
    write_file(folder / REPORT_JSON, to_json_bytes({"ok": report.ok, **report.to_json()}))
    lines = [f"# {report.title}: {'PASSED' if report.ok else 'FAILED'}", ""]
    lines += ["| what | value |", "|---|---|", *(f"| {a} | {b} |" for a, b in report.rows), ""]
    lines += [f"> {note}" for note in report.notes]
    if activity := report.data["activity"]:
        lines += ["## Where the cycles went", "", markdown_activity(activity), ""]
    lines += ["## Operators", "", *_op_lines(design), ""]
    write_file(folder / REPORT_TEXT, "\n".join(lines))


def _op_lines(design: Design) -> list[str]:
    lines = ["| operator | from | M x K x N | MACs |", "|---|---|---|---:|"]
    for op in design.graph.ops:
        m, k = design.graph.tensor(op.inputs[0]).shape
        n = design.graph.tensor(op.inputs[1]).shape[1]
        origin = op.origin.replace("|", "\\|")
        lines.append(f"| {op.name} | {origin} | {m} x {k} x {n} | {m * k * n:,} |")
    return lines

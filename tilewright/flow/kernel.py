"""The flow of kernel specs: one template with stream ports."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tilewright.board_of_spec import clock_of
from tilewright.build.files import output_directory, to_json_bytes, write_file
from tilewright.build.kernel_run import KernelResult, build_kernel, run_kernel
from tilewright.build.manifests import contents, kernel_manifest
from tilewright.build.verilog import emit
from tilewright.build.waves import WaveWindow
from tilewright.catalog import find_template
from tilewright.commands.contract import FlowResult, Progress
from tilewright.sim.regress import Job
from tilewright.spec import KernelSpec, spec_hash
from tilewright.spec.numbers import format_frequency

from .board_report import format_time
from .resources import kernel_resources
from .results import REPORT_JSON, REPORT_TEXT, Result

PICOSECONDS_PER_CYCLE = 10_000
SIMULATION = "simulation"


def _job(spec: KernelSpec, samples: int | None, seed: int | None) -> tuple[Any, Job]:
    template = find_template(spec.kernel.template)
    cases = template.load("cases")
    params = cases.params_of(spec.kernel)
    job = cases.job(
        params,
        spec.name,
        samples=spec.verify.samples if samples is None else samples,
        seed=spec.verify.seed if seed is None else seed,
    )
    return params, job


def estimate_kernel(spec: KernelSpec) -> FlowResult:
    """What the cost law says of the products that `verify` would run."""
    params, job = _job(spec, None, None)
    clock_hz = clock_of(spec)
    rows: list[tuple[str, str]] = []
    cases: list[dict[str, Any]] = []
    for case in job.cases:
        if (cycles := case.expected_cycles) is None:
            continue
        words, found = f"{cycles:,} cycles", {"name": case.name, "estimated_cycles": cycles}
        if clock_hz is not None:
            found["estimated_seconds"] = cycles / clock_hz
            words += f", {format_time(cycles / clock_hz)} at {format_frequency(clock_hz)}"
        rows.append((case.name, words))
        cases.append(found)
    resources = kernel_resources(spec, spec.kernel.template, params)
    return Result(
        title=f"{spec.name}: estimate",
        ok=not resources.excess,
        rows=[*rows, *resources.rows],
        data={"cases": cases, **resources.data},
        notes=resources.excess,
    )


def _manifest(spec: KernelSpec, top: Any, seed: int) -> dict[str, Any]:
    keys = spec.kernel.model_dump(mode="json")
    parameters = {key: value for key, value in keys.items() if not isinstance(value, dict)}
    for key, value in keys.items():
        if isinstance(value, dict):
            parameters |= {f"{key}.{name}": inner for name, inner in value.items()}
    manifest = kernel_manifest(
        spec.name, top, parameters=parameters, spec_sha256=spec_hash(spec), seed=seed
    )
    return contents(manifest)


def generate_kernel(spec: KernelSpec, out: Path, progress: Progress) -> FlowResult:
    """Verilog and manifest, nothing simulated."""
    params, job = _job(spec, 1, None)
    progress("elaborate")
    top = find_template(spec.kernel.template).load("kernel")(params)
    verilog = emit(top, spec.name, spec_sha256=spec_hash(spec))
    manifest = _manifest(spec, top, job.seed)
    with output_directory(out, manifest=manifest) as (
        folder,
        _,
    ):
        write_file(folder / f"{spec.name}.v", verilog)
    rows = [("Verilog", f"{out / f'{spec.name}.v'} ({len(verilog):,} bytes)")]
    rows += [(f"port {p.name}", f"{p.direction}, {p.bits} bits") for p in job.ports]
    return Result(title=f"{spec.name}: generated (nothing simulated)", ok=True, rows=rows)


def verify_kernel(
    spec: KernelSpec,
    out: Path,
    *,
    samples: int | None,
    seed: int | None,
    waves: tuple[int, int] | None,
    progress: Progress,
) -> FlowResult:
    """Simulate the kernel's Verilog: every word, the stream rules, the cycles of the law."""
    params, job = _job(spec, samples, seed)
    progress("elaborate")
    top = find_template(spec.kernel.template).load("kernel")(params)
    verilog = emit(top, spec.name, spec_sha256=spec_hash(spec))
    manifest = _manifest(spec, top, job.seed)
    progress("compile the simulation")
    model = build_kernel(verilog, job, has_waves=waves is not None)
    progress("simulate")
    window = None
    if waves is not None:
        start, end = (PICOSECONDS_PER_CYCLE * cycle for cycle in waves)
        window = WaveWindow(start_ps=start, end_ps=end)
    with output_directory(out, manifest=manifest) as (
        folder,
        _,
    ):
        write_file(folder / f"{spec.name}.v", verilog)
        result = run_kernel(model, job, folder / SIMULATION, waves=window)
        report = _report(spec, job, result, out)
        write_file(folder / REPORT_JSON, to_json_bytes({"ok": report.ok, **report.to_json()}))
        write_file(folder / REPORT_TEXT, _markdown(report))
    return report


def _report(spec: KernelSpec, job: Job, result: KernelResult, out: Path) -> Result:
    expected = {case.name: case for case in job.cases}
    outputs = [port.name for port in job.ports if port.direction == "out"]
    words = sum(len(case.expected[name]) for case in job.cases for name in outputs)
    timed = [case for case in result.cases if expected[case.name].expected_cycles is not None]
    measured = sum(case.cycles or 0 for case in timed)
    estimated = sum(expected[case.name].expected_cycles or 0 for case in timed)
    rows = [
        ("cases passed", f"{sum(c.is_passed for c in result.cases)} of {len(job.cases)}"),
        ("output words", f"{words:,} compared with the golden model"),
        ("cycles measured", f"{measured:,} in {len(timed)} cases without stalls"),
        ("cycles estimated", f"{estimated:,}"),
        ("difference", f"{measured - estimated:,}"),
        ("Verilog", str(out / f"{spec.name}.v")),
        ("report", str(out / REPORT_TEXT)),
    ]
    rows += [(f"failed {case.name}", case.message) for case in result.cases if not case.is_passed]
    data = {
        "cycles": measured,
        "estimated_cycles": estimated,
        "difference": measured - estimated,
        "cases": [
            {"name": c.name, "passed": c.is_passed, "cycles": c.cycles, "message": c.message}
            for c in result.cases
        ],
        "verilog": str(out / f"{spec.name}.v"),
    }
    run = result.run.moved_to(out / SIMULATION)
    notes = [] if result.is_passed else [run.explain()]
    # A case passes only with its own cycles.
    is_ok = result.is_passed
    return Result(title=f"{spec.name}: verification", ok=is_ok, rows=rows, data=data, notes=notes)


def _markdown(report: Result) -> str:
    lines = [f"# {report.title}: {'PASSED' if report.ok else 'FAILED'}", ""]
    lines += ["| what | value |", "|---|---|", *(f"| {a} | {b} |" for a, b in report.rows), ""]
    lines += ["| case | passed | cycles |", "|---|---|---:|"]
    lines += [f"| {c['name']} | {c['passed']} | {c['cycles']} |" for c in report.data["cases"]]
    return "\n".join([*lines, *(f"> {note}" for note in report.notes), ""])

"""From a spec to files, measurements and verdicts: what the command `tilewright` calls.

`estimate` computes, `generate` writes, `verify` and `run` simulate the emitted Verilog, `report`
reads an earlier result. Each returns a frozen result with `.ok`, `.table()` and `.to_json()`.
"""

from __future__ import annotations

from pathlib import Path

from tilewright.commands.contract import FlowResult, Progress, no_progress
from tilewright.spec import AcceleratorSpec, KernelSpec, Spec

__all__ = ["estimate", "generate", "report", "run", "verify"]


def estimate(
    spec: Spec, out: Path | None = None, *, progress: Progress = no_progress
) -> FlowResult:
    """Cycles by the cost laws; simulates nothing. Into `out`, if there is one, the design's page,
    data and trace.
    """
    if isinstance(spec, KernelSpec):
        from tilewright.errors import UsageError

        from .kernel import estimate_kernel

        if out is not None:
            raise UsageError("estimate --out: a kernel has no schedule to show")
        return estimate_kernel(spec)
    from .accelerator import estimate_accelerator

    return estimate_accelerator(spec, progress, out)


def generate(spec: Spec, out: Path, *, progress: Progress = no_progress) -> FlowResult:
    """Verilog and, for an accelerator, program, memory image, registers and manifest."""
    if isinstance(spec, KernelSpec):
        from .kernel import generate_kernel

        return generate_kernel(spec, out, progress)
    from .accelerator import generate_accelerator

    return generate_accelerator(spec, out, progress)


def verify(
    spec: Spec,
    out: Path,
    *,
    samples: int | None = None,
    seed: int | None = None,
    waves: tuple[int, int] | None = None,
    progress: Progress = no_progress,
) -> FlowResult:
    """Generate, simulate the Verilog, compare with the golden model and, for a model, with
    onnxruntime.

    `waves` is a window of cycles [start, end) to record; None for `samples` and `seed` means as the
    spec says.
    """
    if isinstance(spec, KernelSpec):
        from .kernel import verify_kernel

        return verify_kernel(spec, out, samples=samples, seed=seed, waves=waves, progress=progress)
    from .accelerator import verify_accelerator

    return verify_accelerator(spec, out, samples=samples, seed=seed, waves=waves, progress=progress)


def run(spec: Spec, out: Path, *, inputs: Path, progress: Progress = no_progress) -> FlowResult:
    """Run the simulated accelerator on the arrays of an `.npz` file; the outputs are written as
    `.npz`.
    """
    from tilewright.errors import UsageError

    if not isinstance(spec, AcceleratorSpec):
        raise UsageError("run: a kernel has no model to run", help="tilewright verify SPEC")
    from .accelerator import run_inputs

    return run_inputs(spec, out, inputs=inputs, progress=progress)


def report(out: Path) -> FlowResult:
    """What an earlier `verify` or `run` in `out` found."""
    from .results import read_result

    return read_result(out)

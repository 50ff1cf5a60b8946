"""Verbs that the flow does: `estimate`, `generate`, `verify`, `run`, `report`.

The spec is read before the tools are checked, and both before anything heavy is imported.
"""

import argparse
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

from tilewright.commands.contract import (
    POINT_FILE,
    SWEEP_FILE,
    Flow,
    FlowResult,
    Outcome,
    Progress,
)
from tilewright.errors import EXIT_FAILED, EXIT_GOOD

if TYPE_CHECKING:
    from tilewright.spec import Spec

RESULTS: Final = Path("out")


def estimate(options: argparse.Namespace, progress: Progress) -> Outcome:
    spec = _prepare(options, "estimate")
    return _outcome(_flow().estimate(spec, options.out, progress=progress))


def generate(options: argparse.Namespace, progress: Progress) -> Outcome:
    spec = _prepare(options, "generate")
    return _outcome(_flow().generate(spec, _out(options, spec), progress=progress))


def verify(options: argparse.Namespace, progress: Progress) -> Outcome:
    spec = _prepare(options, "verify")
    result = _flow().verify(
        spec,
        _out(options, spec),
        samples=options.samples,
        seed=options.seed,
        waves=options.waves,
        progress=progress,
    )
    return _outcome(result, () if result.ok else _repeat_words(options))


def run(options: argparse.Namespace, progress: Progress) -> Outcome:
    if options.board or options.port or options.simulate:
        return _run_on_board(options, progress)
    spec = _prepare(options, "verify")
    result = _flow().run(spec, _out(options, spec), inputs=options.inputs, progress=progress)
    return _outcome(result)


def _run_on_board(options: argparse.Namespace, progress: Progress) -> Outcome:
    from tilewright.flow.board_run import BoardOptions, run_on_board

    # A real board needs no simulator.
    spec = _prepare(options, "verify" if options.simulate else "generate")
    chosen = BoardOptions(board=options.board, port=options.port, is_simulated=options.simulate)
    out = options.out or RESULTS / f"{spec.name}_board"
    return _outcome(
        run_on_board(spec, out, inputs=options.inputs, options=chosen, progress=progress)
    )


def report(options: argparse.Namespace, _progress: Progress) -> Outcome:
    from tilewright.build.files import verify_directory
    from tilewright.errors import UsageError

    if options.diff is not None:
        return _diff(options)
    directory = options.directory or options.out
    if directory is None:
        raise UsageError("report: which result?", help="tilewright report DIR")
    if options.trace is not None or (directory / SWEEP_FILE).is_file():
        return _report_sweep(directory, options)
    if (directory / POINT_FILE).is_file():
        from tilewright.flow.point_report import report_point

        return _outcome(report_point(directory, options.out))
    verify_directory(directory)
    return _outcome(_flow().report(directory))


def _report_sweep(directory: Path, options: argparse.Namespace) -> Outcome:
    from tilewright.flow.sweep.report import report_sweep, write_trace

    if options.trace is not None:
        return _outcome(write_trace(directory, options.trace, options.out))
    return _outcome(report_sweep(directory, options.out))


def _diff(options: argparse.Namespace) -> Outcome:
    from tilewright.errors import UsageError
    from tilewright.flow.sweep.report import diff_sweeps

    if options.directory is not None or options.trace is not None:
        raise UsageError("report: --diff A B stands alone", help="tilewright report --diff A B")
    first, second = options.diff
    return _outcome(diff_sweeps(first, second, options.out or RESULTS / "diff"))


def _flow() -> Flow:
    from tilewright import flow

    return cast("Flow", flow)


def _prepare(options: argparse.Namespace, scope: str) -> "Spec":
    from tilewright.build.doctor import require_tools
    from tilewright.catalog import load_spec

    spec = load_spec(options.spec)
    require_tools(scope)
    return spec


def _out(options: argparse.Namespace, spec: "Spec") -> Path:
    out: Path = options.out or RESULTS / spec.name
    return out


def _repeat_words(options: argparse.Namespace) -> list[str]:
    """The command that fails in the same way again."""
    words = ["tilewright", "verify", str(options.spec)]
    for name in ("samples", "seed", "out"):
        if getattr(options, name) is not None:
            words += [f"--{name}", str(getattr(options, name))]
    return words


def _outcome(result: FlowResult, repeat: Sequence[str] = ()) -> Outcome:
    command = shlex.join(repeat)
    more = {"repeat_command": command} if repeat else {}
    return Outcome(
        text=result.table() + (f"\nrepeat: {command}" if repeat else ""),
        data={"ok": result.ok, **result.to_json(), **more},
        exit_code=EXIT_GOOD if result.ok else EXIT_FAILED,
    )

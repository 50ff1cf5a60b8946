"""What `tilewright plan` does: a graph and a budget to a checked memory plan and its certificate.

A graph is a JSON file of operators and tensors, or the integer graph of an accelerator spec's
model. Ctrl-C ends the search; the best plan so far is placed, checked and shown as any other.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from tilewright.build.files import output_directory, sha256_file, to_json_bytes, write_file
from tilewright.commands.contract import Progress, no_progress
from tilewright.dataflow.importers.model import import_model
from tilewright.dataflow.planning.baselines import Baseline
from tilewright.dataflow.planning.graph_file import Weights, read_problem
from tilewright.dataflow.planning.graph_problem import problem_of_graph
from tilewright.dataflow.planning.planned import Planned
from tilewright.dataflow.planning.planner import make_plan
from tilewright.dataflow.planning.problem import Problem
from tilewright.dataflow.serial import to_json
from tilewright.errors import TilewrightError
from tilewright.spec import AcceleratorSpec, Diagnostic, SpecError

from .plan_baselines import Compare, compare
from .plan_page import page
from .plan_result import PlanResult

PLAN_JSON: Final = "plan.json"
PLAN_PAGE: Final = "plan.html"
SPEC_ENDINGS: Final = (".yaml", ".yml")
DEFAULT_SECONDS: Final = 60.0
TOLD_EVERY_SECONDS: Final = 0.5
INTERRUPTED: Final = "interrupted"
"""In the method of a plan whose search was ended by Ctrl-C."""


@dataclass(frozen=True, kw_only=True)
class PlanOptions:
    """What to plan for: `budget` in bytes (None: a spec's scratchpad, else the least that works),
    addresses at multiples of `alignment`, `seconds` for the search.
    """

    budget: int | None = None
    weights: Weights = "activations"
    alignment: int | None = None
    baselines: Sequence[str] = ()
    seconds: float = DEFAULT_SECONDS


def plan_file(
    path: Path | str,
    out: Path | str | None = None,
    *,
    options: PlanOptions | None = None,
    progress: Progress = no_progress,
) -> PlanResult:
    """The memory plan of a graph file or of an accelerator spec's model.

    With `out` the folder gets `plan.json` and `plan.html`.

    Raises:
        SpecError: with everything that is wrong in the file, or the operator that is larger than
            the budget, its tensors, and the least budget that works.
        TilewrightError: if no plan was found in the time.
        OutputError: if the folder cannot be written.
    """
    path, options = Path(path), options or PlanOptions()
    progress("read")
    source = _read(path, options)
    compare_with = compare(options.baselines)  # unknown names are told before the search
    planned = _plan(source, options, progress)
    compared = _compare(compare_with, source.problem, options.seconds, progress)
    folder = None if out is None else Path(out)
    result = PlanResult(
        planned=planned,
        file=str(path),
        budget_from=source.budget_from,
        weights=options.weights,
        notes=source.notes,
        compared=compared,
        is_interrupted=INTERRUPTED in planned.certificate.method,
        files=() if folder is None else tuple(folder / name for name in (PLAN_JSON, PLAN_PAGE)),
    )
    if folder is not None:
        progress("write")
        _write(result, path, folder)
    return result


@dataclass(frozen=True, kw_only=True)
class _Source:
    problem: Problem
    budget_from: str
    alignment: int
    notes: tuple[str, ...] = field(default=())


def _read(path: Path, options: PlanOptions) -> _Source:
    is_spec = path.suffix.lower() in SPEC_ENDINGS
    source = _read_spec(path, options) if is_spec else _read_graph(path, options)
    least = _least_budget(source.problem, source.alignment)
    if least > source.problem.budget:
        rule = (
            f"with addresses at multiples of {source.alignment} the least budget that works is "
            f"{least}, the budget is {source.problem.budget}"
        )
        raise SpecError([Diagnostic.plain(str(path), "budget", rule)])
    return source


def _read_graph(path: Path, options: PlanOptions) -> _Source:
    problem, alignment = read_problem(path, options.budget, options.weights), options.alignment or 1
    if options.budget is None:
        problem = problem.with_budget(_least_budget(problem, alignment))
    budget_from = "the least that works" if options.budget is None else "as asked"
    return _Source(problem=problem, budget_from=budget_from, alignment=alignment)


def _least_budget(problem: Problem, alignment: int) -> int:
    """The least budget that works if each tensor is rounded up to `alignment`."""
    rounded = tuple(
        replace(item, size=-(-item.size // alignment) * alignment) for item in problem.items
    )
    return replace(problem, items=rounded, budget=1 << 62).least_budget


def _read_spec(path: Path, options: PlanOptions) -> _Source:
    """Whole ops in words of the spec's scratchpad."""
    from tilewright.catalog import load_spec

    from .design import machine_of

    spec = load_spec(path)
    if not isinstance(spec, AcceleratorSpec):
        rule = "a kernel has no model to plan; a spec with `accelerator` and `model` has"
        raise SpecError([Diagnostic.plain(str(path), "kernel", rule)])
    machine = machine_of(spec)
    graph = import_model(spec.model_path, spec.batch).graph
    capacity = machine.scratchpad.capacity_bytes
    budget = capacity if options.budget is None else options.budget
    try:
        problem = problem_of_graph(graph, machine.lanes, budget, options.weights)
        problem = replace(problem, name=spec.name)
    except ValueError as error:
        help = (
            "ops are planned whole here; `--budget` plans for another size, and `tilewright "
            "estimate` with `schedule.objective: bytes` cuts them into tasks"
        )
        place = "budget" if options.budget is not None else "accelerator.scratchpad"
        raise SpecError([Diagnostic.plain(str(path), place, str(error), help=help)]) from None
    read_results = [t for t in graph.outputs if any(t.name in op.inputs for op in graph.ops)]
    notes = [f"batch {spec.batch}, words of {machine.lanes} bytes"]
    notes += [f"result {t.name} is read too: storing it is not counted" for t in read_results]
    return _Source(
        problem=problem,
        budget_from="the scratchpad" if options.budget is None else "as asked",
        alignment=options.alignment or machine.lanes,
        notes=tuple(notes),
    )


def _plan(source: _Source, options: PlanOptions, progress: Progress) -> Planned:
    progress(f"plan: search, at most {options.seconds:g} s; Ctrl-C takes the best so far")
    try:
        plan = make_plan(
            source.problem,
            seconds=options.seconds,
            alignment=source.alignment,
            progress=_told(progress),
        )
    except ValueError as error:
        raise TilewrightError(str(error), help="`--budget`, `--seconds`, `--align`") from error
    return Planned.of(source.problem, plan, source.alignment)


def _compare(
    compare_with: Compare, problem: Problem, seconds: float, progress: Progress
) -> tuple[Baseline, ...]:
    """Baselines; after Ctrl-C those that are done."""
    done: list[Baseline] = []
    try:
        for one in compare_with(problem, seconds, progress):
            done.append(one)
    except KeyboardInterrupt:
        progress("plan: interrupted")
    return tuple(done)


def _told(progress: Progress) -> Callable[[str, int | None, int], None]:
    """The planner's progress as lines: incumbent, bound and gap, not more often than is read."""
    last, told_at = "", -TOLD_EVERY_SECONDS

    def tell(stage: str, best: int | None, bound: int) -> None:
        nonlocal last, told_at
        line = f"plan: {stage}"
        if best is not None:
            gap = (best - bound) / best if best else 0.0
            line += f": {best:,} bytes so far, bound {bound:,}, gap {gap:.1%}"
        now = time.monotonic()
        if line != last and now - told_at >= TOLD_EVERY_SECONDS:
            last, told_at = line, now
            progress(line)

    return tell


def _write(result: PlanResult, source: Path, out: Path) -> None:
    manifest = {
        "name": result.planned.problem.name,
        "design": "memory plan",
        "source": source.name,
        "source_sha256": sha256_file(source),
    }
    with output_directory(out, manifest=manifest) as (folder, _):
        write_file(folder / PLAN_JSON, to_json_bytes(to_json(result.planned)))
        write_file(folder / PLAN_PAGE, page(result))

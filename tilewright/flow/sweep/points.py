"""`points/`: what the report shows of single designs, of the front and of those simulated."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tilewright.build.files import write_file
from tilewright.commands.contract import Progress, no_progress
from tilewright.dataflow.serial import SerialError
from tilewright.dse.block_estimate import BlockEstimate
from tilewright.dse.detail_choice import detailed_designs
from tilewright.dse.neighbours import Neighbours
from tilewright.dse.point_detail import PointDetail, parse_point, point_name, point_text
from tilewright.dse.point_of import detail_of
from tilewright.dse.point_of_layers import layers_detail
from tilewright.dse.space import Space
from tilewright.dse.sweep_file import SweepFile
from tilewright.dse.sweep_tasks import Refused
from tilewright.errors import OutputError

from .changes import Trials, trials

if TYPE_CHECKING:
    from .evaluate import ModelEvaluation
    from .set_up import SweepSetup

DetailMaker = Callable[[int], PointDetail | None]
"""The detail of a design by its number; None if it cannot be made."""

FOLDER: Final = "points"


def write_points(
    out: Path,
    file: SweepFile,
    make: DetailMaker,
    progress: Progress = no_progress,
) -> dict[int, PointDetail]:
    """Time the chosen designs again, this time with everything that is shown of them.

    A design that cannot be made (one whose numbers were recorded before its model was lost) has no
    detail. Files of designs that are no longer chosen are removed. After Ctrl-C during this no more
    are made.
    """
    found: dict[int, PointDetail] = {}
    chosen = detailed_designs(file)
    way_out = "; Ctrl-C leaves them out" if file.was_interrupted else ""
    try:
        for place, index in enumerate(chosen, start=1):
            progress(f"details of design {index} ({place} of {len(chosen)}){way_out}")
            detail = make(index)
            if detail is not None:
                found[index] = detail
                write_file(out / FOLDER / f"{point_name(index)}.json", point_text(detail))
    except KeyboardInterrupt:
        progress("interrupted: the report has the details that there are")
    _remove_others(out, found)
    return dict(sorted(found.items()))  # as `read_points` finds them


def detail_maker(setup: SweepSetup, file: SweepFile) -> DetailMaker:
    """Designs of a model are compiled and timed; those of a workload are the closed form's. What
    would help one is tried, or known from the other designs in `file`.
    """
    space, evaluate = setup.sweep.space, setup.evaluate
    neighbours = cache(lambda: Neighbours(file))  # made with the first detail
    if evaluate is not None:
        tries = trials(evaluate)
        return lambda index: _of_program(index, space, evaluate, neighbours(), tries)
    estimate = setup.sweep.evaluation.many
    assert isinstance(estimate, BlockEstimate)
    return lambda index: layers_detail(
        index,
        space.design(index),
        reader=estimate.reader,
        workload=estimate.workload,
        columns=space.columns_at(space.indices([index])),
        known=neighbours().known(index),
    )


def _of_program(
    index: int, space: Space, evaluate: ModelEvaluation, neighbours: Neighbours, tries: Trials
) -> PointDetail | None:
    values = space.design(index)
    try:
        design = evaluate.design(values)
    except Refused:
        return None
    return detail_of(
        index,
        values,
        graph=design.graph,
        machine=design.machine,
        plan=design.plan,
        program=design.program,
        trial=tries(values, neighbours.known(index)),
    )


def _remove_others(out: Path, kept: Iterable[int]) -> None:
    names = {point_name(index) for index in kept}
    for path in (out / FOLDER).glob("*.json"):
        if path.name.partition(".")[0] not in names and path.name.partition(".")[0].isdigit():
            path.unlink(missing_ok=True)


def read_points(folder: Path, file: SweepFile) -> Mapping[int, PointDetail]:
    """The details of designs that the sweep has.

    Raises:
        OutputError: a file there is not what `write_points` wrote.
    """
    known = set(file.columns["index"])
    found = {}
    for path in sorted((folder / FOLDER).glob("*.json")):
        if not path.stem.isdigit():
            continue  # a trace
        try:
            detail = parse_point(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, SerialError) as error:
            help = "tilewright sweep SPEC writes it again"
            raise OutputError(f"{path}: cannot be read: {error}", help=help) from error
        if detail.index in known:
            found[detail.index] = detail
    return found

"""A single design's own report: `point.json`, `report.html`, `trace.json`."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from tilewright.build.files import MANIFEST, write_file
from tilewright.commands.contract import POINT_FILE, SWEEP_FILE
from tilewright.dataflow.serial import SerialError
from tilewright.dse.point_detail import PointDetail, parse_point, point_text
from tilewright.dse.point_of import detail_of
from tilewright.dse.report.point_page import NAME, name_of, point_page
from tilewright.dse.report.trace import trace_text
from tilewright.dse.space_domains import Value
from tilewright.errors import OutputError
from tilewright.spec import AcceleratorSpec
from tilewright.spec.key_values import flat

from .design import Design
from .results import Result
from .sweep.changes import trials
from .sweep.evaluate import ModelEvaluation
from .sweep.metrics import MetricChoice

PAGE, TRACE = "report.html", "trace.json"
NO_METRICS: Final = MetricChoice(built_in=(), functions=(), family=None, energies=())


def write_point(spec: AcceleratorSpec, design: Design, out: Path) -> Result:
    """The detail of the design into the folder `out`.

    Raises:
        OutputError: another result is there, or it cannot be written.
    """
    for name in (MANIFEST, SWEEP_FILE):
        if (out / name).exists():
            help = "choose another place with --out"
            raise OutputError(f"{out}: has another result, {name}", help=help)
    file, data = spec.written
    base = {key: value for key, value in data.items() if key != "sweep"}
    evaluate = ModelEvaluation(
        data=base, file=Path(file).name, directory=spec.directory.absolute(), units={},
        choice=NO_METRICS,
    )  # fmt: skip
    settings: dict[str, Value | None] = {NAME: spec.name}
    kept = ("accelerator", "schedule", "verify", "board", "clock")
    settings |= dict(flat({section: base[section] for section in kept if section in base}))
    detail = detail_of(
        0,
        settings,
        graph=design.graph,
        machine=design.machine,
        plan=design.plan,
        program=design.program,
        trial=trials(evaluate)({}, ()),
    )
    write_file(out / POINT_FILE, point_text(detail))
    return _written(detail, out)


def report_point(folder: Path, out: Path | None = None) -> Result:
    """Page and trace of the design in `folder` there again, or into `out`.

    Raises:
        OutputError: its file is not what `write_point` wrote.
    """
    path = folder / POINT_FILE
    try:
        detail = parse_point(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, SerialError) as error:
        help = "tilewright estimate SPEC --out DIR writes it again"
        raise OutputError(f"{path}: cannot be read: {error}", help=help) from error
    return _written(detail, out or folder)


def _written(detail: PointDetail, out: Path) -> Result:
    write_file(out / PAGE, point_page(detail))
    write_file(out / TRACE, trace_text(detail))
    rows = [
        ("limit", detail.sentence),
        ("page", str(out / PAGE)),
        ("trace", f"{out / TRACE}, for ui.perfetto.dev or chrome://tracing"),
    ]
    data = {"cycles": detail.cycles, "sentence": detail.sentence, "page": str(out / PAGE)}
    return Result(title=f"{name_of(detail)}: report", ok=True, rows=rows, data=data)

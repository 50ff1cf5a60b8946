"""What `tilewright import` does: a model file to its integer graph, as a table and as JSON."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tilewright.build.files import output_directory, sha256_file, to_json_bytes, write_file
from tilewright.commands.contract import Progress, no_progress
from tilewright.dataflow.importers.imported import Imported
from tilewright.dataflow.importers.model import import_model as read_model_file
from tilewright.dataflow.serial import to_json

from .import_table import ImportTable
from .text_table import DEFAULT_COLUMNS

GRAPH_JSON: Final = "graph.json"


@dataclass(frozen=True, kw_only=True)
class ImportResult:
    """A model that was understood; `folder` is where its graph was written, if it was."""

    contents: ImportTable
    folder: Path | None = None

    ok: bool = True

    @property
    def imported(self) -> Imported:
        """The graphs."""
        return self.contents.imported

    def table(self, width: int = DEFAULT_COLUMNS) -> str:
        """For people: no line is wider than `width`, but for paths."""
        wrote = [f"wrote {self.folder / GRAPH_JSON}"] if self.folder else []
        return "\n".join([*self.contents.lines(width), *wrote])

    def to_json(self) -> dict[str, Any]:
        """For programs."""
        place = {"graph": str(self.folder / GRAPH_JSON)} if self.folder else {}
        return {**self.contents.to_json(), **place}


def import_model(
    model: Path | str,
    out: Path | str | None = None,
    *,
    batch: int = 1,
    progress: Progress = no_progress,
) -> ImportResult:
    """The integer graph of the quantised model in the file `model` (ONNX or TFLite).

    Args:
        model: QDQ, QOperator or QONNX form, or int8 TFLite.
        out: a folder for `graph.json`, and for `before.json` and `after.json` if parts of the model
            stay with the host; nothing is written if None.
        batch: bound to the model's free first extent.

    Raises:
        SpecError: with everything that is wrong or not supported, each with its node.
        OutputError: if the folder cannot be written.
    """
    progress("import")
    model = Path(model)
    imported = read_model_file(model, batch)
    contents = ImportTable(imported=imported, file=str(model), batch=batch)
    folder = None if out is None else Path(out)
    if folder is not None:
        _write(imported, model, folder)
    return ImportResult(contents=contents, folder=folder)


def _write(imported: Imported, model: Path, out: Path) -> None:
    graphs = {"graph": imported.graph, "before": imported.before, "after": imported.after}
    manifest = {
        "name": imported.graph.name,
        "design": "graph",
        "model": model.name,
        "model_sha256": sha256_file(model),
    }
    with output_directory(out, manifest=manifest) as (folder, _):
        for name, graph in graphs.items():
            if graph is not None:
                write_file(folder / f"{name}.json", to_json_bytes(to_json(graph)))

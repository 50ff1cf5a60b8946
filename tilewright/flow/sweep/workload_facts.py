"""What a sweep says of its workload, and the machine that it is estimated on."""

from __future__ import annotations

from tilewright.board_of_spec import board_of, clock_of
from tilewright.build.files import sha256_file
from tilewright.dse.block_estimate import BlockEstimate
from tilewright.dse.ledger import content_key
from tilewright.dse.sweep_tasks import Evaluation
from tilewright.dse.workloads.layers import Workload
from tilewright.spec import AcceleratorSpec
from tilewright.spec.sweep import SweepSection


def estimated_workload(evaluation: Evaluation) -> Workload | None:
    """The layers of an evaluation in closed form; None: it is of a model's own programs."""
    estimate = evaluation.many
    return estimate.workload if isinstance(estimate, BlockEstimate) else None


def workload_context(
    spec: AcceleratorSpec, section: SweepSection, evaluation: Evaluation
) -> dict[str, str]:
    """Name, source and SHA-256 of the workload: of its file, or else of its layers. Files are
    named as the spec does.
    """
    workload = estimated_workload(evaluation)
    if workload is None:
        return {}
    asked = section.workload or ""
    path = spec.directory / asked
    source = "" if workload.source == str(path) else workload.source
    layers = content_key({"layers": [repr(layer) for layer in workload.layers]})
    sha256 = sha256_file(path) if path.is_file() else layers
    parts = [workload.name, source, f"SHA-256 {sha256}"]
    return {"workload": f"{asked}: {', '.join(part for part in parts if part)}"}


def workload_notes(evaluation: Evaluation) -> list[str]:
    """What the workload's reader left out or took another way."""
    workload = estimated_workload(evaluation)
    return [f"workload {workload.name}: {note}" for note in workload.notes] if workload else []


def base_spec(spec: AcceleratorSpec) -> AcceleratorSpec:
    """The spec without its sweep, and with the clock and the memory of its board written out."""
    base = spec.model_copy(update={"sweep": None})
    board = board_of(spec)
    if board is None:
        return base
    memory = spec.accelerator.memory
    numbers = {key: getattr(memory, key) for key in ("bytes_per_cycle", "latency_cycles")}
    written = spec.accelerator.model_copy(update={"memory": memory.model_copy(update=numbers)})
    return base.model_copy(update={"accelerator": written, "clock_hz": clock_of(spec, board)})

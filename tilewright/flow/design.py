"""A spec as a design: graph, machine, plan, program, estimate and hardware configuration."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from tilewright.board_of_spec import board_of, check_memory
from tilewright.boards import Board
from tilewright.build.files import sha256_file
from tilewright.dataflow.compile import compile_graph
from tilewright.dataflow.graph import Graph
from tilewright.dataflow.importers.model import import_model
from tilewright.dataflow.lower import with_fixed_scales
from tilewright.dataflow.machine import Machine
from tilewright.dataflow.plan import Plan
from tilewright.dataflow.ports import check_ports
from tilewright.dataflow.program import Program
from tilewright.dataflow.systolic_machine import machine_of_section
from tilewright.dataflow.tiling import DoesNotFit
from tilewright.dataflow.untimed import run_untimed
from tilewright.dse.estimate import Estimate, estimate
from tilewright.errors import TilewrightError
from tilewright.hw.configure import configure
from tilewright.hw.hardware_config import ConfigureError, HardwareConfig
from tilewright.hw.lib.requantize_params import encode_scale
from tilewright.hw.systolic.params import engine_params
from tilewright.hw.unit_params import PROGRAMMABLE_ROWS
from tilewright.spec import AcceleratorSpec, SpecError, spec_hash

from .support import not_yet


@dataclass(frozen=True, kw_only=True)
class Design:
    """One accelerator for one graph. `batch` samples are computed by one start."""

    name: str
    graph: Graph
    machine: Machine
    plan: Plan
    program: Program
    estimate: Estimate
    config: HardwareConfig
    batch: int
    spec_sha256: str

    @property
    def macs(self) -> int:
        """Useful multiply-accumulates of one start."""
        return self.graph.macs

    @property
    def is_planned(self) -> bool:
        """Whether the planner decided what stays in the scratchpad."""
        return bool(self.plan.settings.get("resident"))

    @property
    def memory_bytes(self) -> int:
        """Bytes of the memory image."""
        return self.plan.memory_words * self.machine.word_bytes


def machine_of(spec: AcceleratorSpec) -> Machine:
    """The machine that a spec describes."""
    return machine_of_section(spec.accelerator)


Compiled = tuple[Graph, Plan, Program]


def compiled(spec: AcceleratorSpec, machine: Machine, batch: int) -> Compiled:
    """Import, plan, lower, prove free of deadlock and of conflicts.

    Raises:
        SpecError: as `make_design`.
        DoesNotFit: if the model does not fit the machine.
    """
    graph = machine_numbers(runnable_graph(spec, batch), machine)
    plan, program = compile_graph(
        graph, machine, spec.schedule.objective, spec.schedule.time_limit_seconds
    )
    check_program(program, machine)
    return graph, plan, program


def make_design(
    spec: AcceleratorSpec,
    *,
    batch: int | None = None,
    board: Board | None = None,
    compile_with: Callable[[AcceleratorSpec, Machine, int], Compiled] = compiled,
) -> Design:
    """Import, plan, lower, prove free of deadlock, estimate and configure.

    batch : samples of a start, instead of the spec's own.
    board : whose memory must hold the image, instead of the spec's own board's.
    compile_with : `compiled`, or what remembers its answers (`plan_cache`).

    Raises:
        SpecError: if the model is wrong or has an operator that the hardware cannot run yet.
        TilewrightError: if the model does not fit the machine.
    """
    machine = machine_of(spec)
    batch = spec.batch if batch is None else batch
    try:
        graph, plan, program = compile_with(spec, machine, batch)
        # The same spec with another model is another design.
        identity = spec_hash(spec) + sha256_file(spec.model_path)
        digest = hashlib.sha256(identity.encode()).hexdigest()
        config = configure(
            machine,
            program,
            name=spec.name,
            spec_hash=int(digest[:8], 16),
            programmable_rows=PROGRAMMABLE_ROWS if spec.accelerator.program == "ram" else 0,
            has_counters=spec.accelerator.counters,
            address_bits=spec.accelerator.memory.address_bits,
            has_ram_fifos=spec.accelerator.fifos == "ram_blocks",
        )
    except (DoesNotFit, ConfigureError) as error:
        raise TilewrightError(f"{spec.name}: {error}") from error
    _check_address(spec, machine, plan)
    if (place := board or board_of(spec)) is not None:
        check_memory(spec, place, plan.memory_words * machine.word_bytes)
    return Design(
        name=spec.name,
        graph=graph,
        machine=machine,
        plan=plan,
        program=program,
        estimate=estimate(program, machine),
        config=config,
        batch=batch,
        spec_sha256=digest,
    )


def _check_address(spec: AcceleratorSpec, machine: Machine, plan: Plan) -> None:
    """The memory image must lie within the reach of the memory port."""
    image_bytes = plan.memory_words * machine.word_bytes
    bits = spec.accelerator.memory.address_bits
    if image_bytes > 1 << bits:
        raise TilewrightError(
            f"{spec.name}: the memory image has {image_bytes:,} bytes, memory.address_bits {bits} "
            f"reach {1 << bits:,}",
            help=f"address_bits: {(image_bytes - 1).bit_length()}",
        )


def runnable_graph(spec: AcceleratorSpec, batch: int) -> Graph:
    """The integer graph of the spec's model, every op of which an engine runs.

    Raises:
        SpecError: if the model is wrong, or with every op that no engine runs yet.
    """
    imported = import_model(spec.model_path, batch)
    late = not_yet(imported, spec.model_path)
    if late:
        raise SpecError(late)
    return imported.graph


def machine_numbers(graph: Graph, machine: Machine) -> Graph:
    """The graph with its scales in the form that the machine's requantizers take."""
    params = engine_params(machine.engines[0].params, bound_bits=1).requantize_params
    if params.mode == "exact":
        return graph
    encode = partial(encode_scale, mode=params.mode, bits=params.multiplier_bits)
    return with_fixed_scales(graph, encode, params.multiplier_bits)


def check_program(program: Program, machine: Machine) -> None:
    """Prove that the program can finish whatever the timing, and that no two units share a bank
    port.
    """
    run_untimed(program)
    check_ports(program, machine.scratchpad.words_per_bank)

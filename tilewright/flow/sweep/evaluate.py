"""One design of a sweep as numbers: the spec with the design's values, compiled and estimated."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tilewright.dse.space import Design as Values
from tilewright.dse.sweep_tasks import Refused
from tilewright.dse.sweep_values import written_value
from tilewright.errors import TilewrightError
from tilewright.hw.lib.resources import COUNTED, counted_in
from tilewright.spec import AcceleratorSpec, SpecError

from .metrics import AREA, DEVICE_SHARE, MetricChoice
from .objectives import load_objective

if TYPE_CHECKING:
    from tilewright.dse.block_parts import AreaModel
    from tilewright.flow.design import Design
    from tilewright.flow.plan_cache import PlanCache
    from tilewright.hw.lib.resources import Resources
    from tilewright.hw.lib.structure import Structure

MICRO = 1e-6


@dataclass(frozen=True, kw_only=True)
class ModelEvaluation:
    """Takes a design (values by path) and gives its metrics; what workers get sent.

    `data` is the base spec as it was written in `file`, without its section `sweep`; paths in it
    start at `directory`. `units` has the keys that a design writes, with the units of their
    numbers.
    """

    data: Mapping[str, Any]
    file: str
    directory: Path
    units: Mapping[str, str]
    choice: MetricChoice

    def spec(self, values: Values) -> AcceleratorSpec:
        """The spec of a design.

        Raises:
            Refused: with the rules that it breaks.
        """
        from tilewright.board_of_spec import known_boards, with_board
        from tilewright.spec import spec_from_data

        data = deepcopy(dict(self.data))
        for path, unit in self.units.items():
            if values[path] is not None:
                _put(data, path, written_value(values[path], unit))  # type: ignore[arg-type]
        try:
            found = with_board(
                spec_from_data(
                    data, self.file, directory=self.directory, boards=known_boards(),
                    sections=_sections(),
                )
            )  # fmt: skip
        except SpecError as error:
            raise Refused(_rules(error)) from error
        assert isinstance(found, AcceleratorSpec)
        return found

    def design(self, values: Values) -> Design:
        """The design itself: graph, plan, program, estimate.

        Raises:
            Refused: there is none, and why.
        """
        return self._design(self.spec(values))

    def __call__(self, values: Values) -> dict[str, float]:
        """The metrics of `choice`."""
        spec = self.spec(values)
        design = self._design(spec)
        estimate = design.estimate
        moved_bytes = (estimate.read_words + estimate.written_words) * design.machine.word_bytes
        found: dict[str, float] = {
            "cycles": estimate.cycles,
            "bytes_off_chip": moved_bytes,
            "utilisation": estimate.utilisation(design.macs),
            **self._energies(design, moved_bytes),
            **self._on_device(spec, design),
        }
        found = {name: found[name] for name in self.choice.names if name in found}
        given = {**values, **found}
        more = {name: load_objective(name)(given) for name in self.choice.functions}
        return found | more

    def _design(self, spec: AcceleratorSpec) -> Design:
        from tilewright.flow.design import make_design

        try:
            return make_design(spec, compile_with=_plans())
        except SpecError as error:
            raise Refused(_rules(error)) from error
        except TilewrightError as error:
            raise Refused(error.message.removeprefix(f"{spec.name}: ")) from error

    def _energies(self, design: Design, moved_bytes: int) -> dict[str, float]:
        """By table, in millions of its unit."""
        from tilewright.dse.energy.accelerator import accelerator_energy, moved_by
        from tilewright.dse.energy.tables import energy_table

        products = design.estimate.steps * design.estimate.macs_per_cycle
        moved = moved_by(
            design.program, design.machine, products=products, bytes_off_chip=moved_bytes
        )
        return {
            name: float(accelerator_energy(energy_table(table), moved).total) * MICRO
            for name, table in self.choice.energy_tables.items()
        }

    def _on_device(self, spec: AcceleratorSpec, design: Design) -> dict[str, float]:
        """Resources, clock, and time by the spec's clock or else by the estimated one."""
        from tilewright.board_of_spec import board_of, clock_of
        from tilewright.hw.accelerator_resources import accelerator_structure
        from tilewright.hw.lib.cell_area import CELLS

        from ..resources import whole_resources

        found: dict[str, float] = {}
        board, clock_hz = board_of(spec), clock_of(spec)
        family = self.choice.family_of(board)
        if family is not None:
            resources = whole_resources(spec, design, family)
            found |= {name: getattr(resources, name) for name in counted_in(family)}
            if DEVICE_SHARE in self.choice.built_in and board is not None:
                found[DEVICE_SHARE] = _device_share(resources, board.device)
            if resources.fmax_hz is not None:
                found["clock_mhz"] = resources.fmax_hz * MICRO
                clock_hz = clock_hz or resources.fmax_hz  # type: ignore[assignment]
        elif self.choice.needs_family:
            name = "no board" if board is None else board.device.family
            raise Refused(f"resources are not known for {name}")
        if self.choice.area is not None:
            found[AREA] = _area(accelerator_structure(design.config, CELLS), self.choice.area)
        if clock_hz:
            found["latency_us"] = design.estimate.cycles / (clock_hz * MICRO)
        return found


def _area(structure: Structure, model: AreaModel) -> float:
    """um2 of cells and memories."""
    from tilewright.hw.lib.cell_area import cell_area_of

    found = cell_area_of(structure, model.library)
    if found is None:
        raise Refused(f"{AREA}: no run of {model.library} has parts of {structure.space}")
    return found.with_memories(model.memory_um2_per_bit)


def _device_share(resources: Resources, device: Any) -> float:
    """The fullest of the device's resources; one that it does not have counts as overfull."""
    shares = [
        getattr(resources, name) / max(getattr(device, name), 0.5)
        for name in COUNTED
        if getattr(resources, name)
    ]
    return max(shares, default=0.0)


def _put(data: dict[str, Any], path: str, value: object) -> None:
    *sections, key = path.split(".")
    for section in sections:
        inner = data.get(section)
        data[section] = data = inner if isinstance(inner, dict) else {}
    data[key] = value


def _rules(error: SpecError) -> str:
    """The rules that are broken, in one line."""
    return "; ".join(
        f"{d.path}: {d.rule}" + (f", got {d.value}" if d.value is not None else "")
        for d in error.diagnostics
    )


@cache
def _sections() -> Mapping[str, Any]:
    from tilewright.catalog import spec_sections

    return spec_sections()


@cache
def _plans() -> PlanCache:
    """Of this process."""
    from tilewright.flow.plan_cache import PlanCache

    return PlanCache()

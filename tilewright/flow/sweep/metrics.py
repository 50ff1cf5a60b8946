"""The metrics of a sweep: units, where each number is from, and how far off it may be."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from tilewright.board_of_spec import model_family
from tilewright.boards import Board
from tilewright.dse.block_parts import AreaModel
from tilewright.dse.block_sources import SOURCES as OF_LAYERS
from tilewright.dse.energy.tables import energy_table
from tilewright.dse.space_goals import Constraint
from tilewright.dse.sweep_file import MetricSource
from tilewright.hw.lib.cell_area import cell_table
from tilewright.hw.lib.resources import COUNTED, coefficients, counted_in
from tilewright.hw.lib.structure import FAMILIES

DEVICE_SHARE: Final = "device_share"
AREA: Final = "area_um2"
ENERGY: Final = "energy_uj"
ENERGY_BY: Final = "energy_by_"
UNITS: Final = {
    "cycles": "cycles",
    "latency_us": "us",
    "bytes_off_chip": "B",
    ENERGY: "uJ",
    "lut": "LUT",
    "ff": "FF",
    "dsp": "DSP",
    "ram_blocks": "RAM blocks",
    "large_ram_blocks": "UltraRAM blocks",
    "clock_mhz": "MHz",
    AREA: "um2",
    "utilisation": "share of peak",
    DEVICE_SHARE: "share of the device",
}
EXACT: Final = "exact"
ENERGY_COUNTS: Final = (
    "products, words of the scratchpad, registers of PEs, bytes off chip as they are used"
)
OF_A_PROGRAM: Final = {
    "cycles": ("cost laws of every unit, played on the design's own program", EXACT),
    "bytes_off_chip": ("the words that the program's DMA commands move", EXACT),
    "utilisation": ("useful multiply-accumulates over cycles times PEs", EXACT),
}


@dataclass(frozen=True, kw_only=True)
class MetricChoice:
    """Which metrics a sweep has. `family` None: that of each design's board. `area` None: there is
    none. `is_clock_given`: of every design, so its time is at no estimated one.

    `built_in`, one for each of `energies` beyond the first, and `functions` (of users) together are
    the names, in order.
    """

    built_in: tuple[str, ...]
    functions: tuple[str, ...]
    family: str | None
    energies: tuple[str, ...]
    area: AreaModel | None = None
    is_clock_given: bool = False

    @property
    def energy_tables(self) -> dict[str, str]:
        """The table of each metric of energy."""
        first, *others = self.energies
        return {ENERGY: first, **{f"{ENERGY_BY}{name}": name for name in others}}

    @property
    def names(self) -> tuple[str, ...]:
        """All of them."""
        more = [name for name in self.energy_tables if name != ENERGY]
        return (*self.built_in, *more, *self.functions)

    @property
    def needs_family(self) -> bool:
        """Whether a design without known resources has not all metrics."""
        return bool({*COUNTED, "clock_mhz", DEVICE_SHARE} & set(self.built_in))

    def family_of(self, board: Board | None) -> str | None:
        """The family whose resources are estimated; None: they are not known."""
        family = self.family or (None if board is None else model_family(board.device))
        return family if family in FAMILIES else None


def choose_metrics(
    *,
    family: str | None,
    families: Sequence[str],
    has_other_boards: bool,
    has_clock: bool,
    energies: tuple[str, ...],
    functions: Iterable[str],
    area: AreaModel | None = None,
) -> MetricChoice:
    """The metrics that every design has: of a family whose resources nobody has counted, none of
    them. `family` None: each board's; `families` are those of all designs. `has_clock`: of each
    design some clock is given.
    """
    names = ["cycles", "bytes_off_chip", ENERGY, "utilisation"]
    is_counted = all(name in FAMILIES for name in families)
    has_period = is_counted and all(_fit(name).get("period") for name in families)
    names += counted_in(family) if is_counted else []
    names += ["clock_mhz"] if has_period else []
    names += ["latency_us"] if has_period or has_clock else []
    names += [DEVICE_SHARE] if has_other_boards and is_counted else []
    names += [] if area is None else [AREA]
    in_order = tuple(name for name in UNITS if name in names)
    return MetricChoice(
        built_in=in_order,
        functions=tuple(functions),
        family=family,
        energies=energies,
        area=area,
        is_clock_given=has_clock,
    )


def sources_of(
    choice: MetricChoice, versions: Mapping[str, str], *, is_of_layers: bool = False
) -> dict[str, MetricSource]:
    """Provenance and error of each metric; `versions` are those of users' functions."""
    texts: dict[str, tuple[str, str | None]] = {
        **OF_A_PROGRAM,
        **(OF_LAYERS if is_of_layers else {}),
        DEVICE_SHARE: ("the fullest of LUT, FF, DSP, RAM and UltraRAM of the board's device", None),
        **{name: _resource_text(choice, name) for name in (*COUNTED, "clock_mhz")},
        **({} if choice.area is None else {AREA: _area_text(choice.area)}),
        **{name: _energy_text(table) for name, table in choice.energy_tables.items()},
        **{name: (f"function {version}", None) for name, version in versions.items()},
    }
    texts["latency_us"] = _time_text(choice, texts)
    return {
        name: MetricSource(
            unit=unit_of(choice, name), provenance=texts[name][0], error=texts[name][1]
        )
        for name in choice.names
    }


def unit_of(choice: MetricChoice, name: str) -> str:
    """The unit of a metric; functions of users have none."""
    table = choice.energy_tables.get(name)
    if table is None or name == ENERGY:
        return UNITS.get(name, "")
    unit = energy_table(table).unit
    return "uJ" if unit == "pJ" else f"million {unit}"


def device_limits(board: Board, built_in: Sequence[str]) -> tuple[Constraint, ...]:
    """What a design may take of the board's device."""
    return tuple(
        Constraint(
            name=f"{board.name} {name}", metric=name, maximum=float(getattr(board.device, name))
        )
        for name in COUNTED
        if name in built_in
    )


def _fit(family: str) -> dict[str, Any]:
    found: dict[str, Any] = coefficients().get("families", {}).get(family, {})
    return found


def _time_text(
    choice: MetricChoice, texts: Mapping[str, tuple[str, str | None]]
) -> tuple[str, str | None]:
    """Provenance and error of a time: those of cycles, and of the clock where it is estimated."""
    cycles, clock = texts["cycles"][1], texts["clock_mhz"][1]
    if choice.is_clock_given:
        return "cycles over the clock that is given", cycles
    return "cycles over clock_mhz", f"cycles: {cycles}; clock: {clock or 'not known'}"


def _energy_text(name: str) -> tuple[str, str | None]:
    table = energy_table(name)
    low, typical, high = table.dram
    changes = " to ".join(f"{100 * (value / typical - 1):+.0f} %" for value in (low, high))
    error = f"{changes} of its part off chip, as published" if low < high else None
    return f"{table.title}: {table.source}; {ENERGY_COUNTS}; {table.remarks}", error


def _area_text(area: AreaModel) -> tuple[str, str | None]:
    """Provenance and error of the silicon area."""
    fit = cell_table()["libraries"][area.library]
    found = fit["accuracy"]
    error = (
        f"cells: {100 * found['mean']:.1f} % mean, {100 * found['worst']:.0f} % worst of "
        f"{found['held_out']} designs that no fit has seen"
    )
    text = (
        f"cells of {area.library} sized for {fit['freq_mhz']:g} MHz, without wires, fitted to "
        f"{found['fitted']} designs synthesised by yosys {fit['yosys']} ({fit['date']}); memories "
        f"of 4,096 bits or more at {area.memory_um2_per_bit:g} um2 per bit: {area.memory_source}"
    )
    return text, error


def _resource_text(choice: MetricChoice, name: str) -> tuple[str, str | None]:
    """Provenance and error of a resource, or of the clock."""
    family = choice.family
    if family is None:
        return "structural model of the family of each design's board (resources.md)", None
    if name in ("dsp", "ram_blocks", "large_ram_blocks"):
        return f"counted by the rules of {family} (resources.md)", EXACT
    what = "period after place and route" if name == "clock_mhz" else "structural model"
    found = _fit(family).get("accuracy", {}).get("period" if name == "clock_mhz" else name)
    if found is None:
        return f"{what} of {family}, fitted to no synthesis (resources.md)", None
    date = coefficients()["date"]
    error = (
        f"{100 * found['mean']:.1f} % mean, {100 * found['worst']:.0f} % worst of "
        f"{found['held_out']} designs that no fit has seen"
    )
    return f"{what} of {family}, fitted to {found['fitted']} designs ({date})", error

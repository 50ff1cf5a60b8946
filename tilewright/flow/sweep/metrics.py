"""The metrics of a sweep: units, where each number is from, and how far off it may be."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from tilewright.boards import Board
from tilewright.dse.energy.tables import energy_table
from tilewright.dse.space_goals import Constraint
from tilewright.dse.sweep_file import MetricSource
from tilewright.hw.lib.resources import coefficients
from tilewright.hw.lib.structure import FAMILIES

RESOURCES: Final = ("lut", "ff", "dsp", "ram_blocks")
DEVICE_SHARE: Final = "device_share"
UNITS: Final = {
    "cycles": "cycles",
    "latency_us": "us",
    "bytes_off_chip": "B",
    "energy_uj": "uJ",
    "lut": "LUT",
    "ff": "FF",
    "dsp": "DSP",
    "ram_blocks": "RAM blocks",
    "clock_mhz": "MHz",
    "utilisation": "share of peak",
    DEVICE_SHARE: "share of the device",
}
EXACT: Final = "exact"


@dataclass(frozen=True, kw_only=True)
class MetricChoice:
    """Which metrics a sweep has. `family` None: that of each design's board.

    `built_in` and `functions` (of users) together are the names, in order.
    """

    built_in: tuple[str, ...]
    functions: tuple[str, ...]
    family: str | None
    energy: str

    @property
    def names(self) -> tuple[str, ...]:
        """All of them."""
        return (*self.built_in, *self.functions)

    @property
    def needs_family(self) -> bool:
        """Whether a design without known resources has not all metrics."""
        return bool({*RESOURCES, "clock_mhz", DEVICE_SHARE} & set(self.built_in))

    def family_of(self, board: Board | None) -> str | None:
        """The family whose resources are estimated; None: they are not known."""
        family = self.family or (None if board is None else board.device.family)
        return family if family in FAMILIES else None


def choose_metrics(
    *,
    family: str | None,
    has_other_boards: bool,
    has_clock: bool,
    energy: str,
    functions: Iterable[str],
) -> MetricChoice:
    """The metrics that every design has: of a family whose resources nobody has counted, none of
    them. `family` None: each board's. `has_clock`: of each design some clock is given.
    """
    names = ["cycles", "bytes_off_chip", "energy_uj", "utilisation"]
    if family is None or family in FAMILIES:
        names += RESOURCES
        has_period = family is None or bool(_fit(family).get("period"))
        names += ["clock_mhz"] if has_period else []
        names += ["latency_us"] if has_period or has_clock else []
    elif has_clock:
        names.append("latency_us")
    if has_other_boards:
        names.append(DEVICE_SHARE)
    in_order = tuple(name for name in UNITS if name in names)
    return MetricChoice(built_in=in_order, functions=tuple(functions), family=family, energy=energy)


def sources_of(choice: MetricChoice, versions: dict[str, str]) -> dict[str, MetricSource]:
    """Provenance and error of each metric; `versions` are those of users' functions."""
    table = energy_table(choice.energy)
    texts = {
        "cycles": ("cost laws of every unit, played on the design's own program", EXACT),
        "bytes_off_chip": ("the words that the program's DMA commands move", EXACT),
        "utilisation": ("useful multiply-accumulates over cycles times PEs", EXACT),
        "energy_uj": (
            f"{table.title}: {table.source}; products, scratchpad, registers of PEs and memory "
            f"port as the program uses them; {table.remarks}",
            None,
        ),
        "latency_us": ("cycles over the spec's clock, else over clock_mhz", None),
        DEVICE_SHARE: ("the fullest of LUT, FF, DSP and RAM blocks of the board's device", None),
        **{name: _resource_text(choice, name) for name in (*RESOURCES, "clock_mhz")},
    }
    found = {
        name: MetricSource(unit=UNITS[name], provenance=texts[name][0], error=texts[name][1])
        for name in choice.built_in
    }
    for name, version in versions.items():
        found[name] = MetricSource(unit="", provenance=f"function {version}", error=None)
    return found


def device_limits(board: Board, built_in: Sequence[str]) -> tuple[Constraint, ...]:
    """What a design may take of the board's device."""
    return tuple(
        Constraint(
            name=f"{board.name} {name}", metric=name, maximum=float(getattr(board.device, name))
        )
        for name in RESOURCES
        if name in built_in
    )


def _fit(family: str) -> dict[str, object]:
    found: dict[str, object] = coefficients().get("families", {}).get(family, {})
    return found


def _resource_text(choice: MetricChoice, name: str) -> tuple[str, str | None]:
    """Provenance and error of a resource, or of the clock."""
    family = choice.family
    if family is None:
        return "structural model of the family of each design's board (resources.md)", None
    if name in ("dsp", "ram_blocks"):
        return f"counted by the rules of {family} (resources.md)", EXACT
    what = "period after place and route" if name == "clock_mhz" else "structural model"
    fit, table = _fit(family), coefficients()
    accuracy = fit.get("accuracy", {})
    found = accuracy.get("period" if name == "clock_mhz" else name)  # type: ignore[attr-defined]
    if found is None:
        return f"{what} of {family}, fitted to no synthesis (resources.md)", None
    text = f"{what} of {family}, fitted to {found['fitted']} designs ({table['date']})"
    error = (
        f"{100 * found['mean']:.1f} % mean, {100 * found['worst']:.0f} % worst of "
        f"{found['held_out']} designs that no fit has seen"
    )
    return text, error

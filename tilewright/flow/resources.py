"""Resources and clock of a design as `estimate` tells them: for its board, or for two families."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from tilewright.board_of_spec import board_of, too_large
from tilewright.boards import Board, Device
from tilewright.catalog import Template, find_template
from tilewright.hw.accelerator_resources import accelerator_structure
from tilewright.hw.hardware_config import HardwareConfig
from tilewright.hw.lib.cell_area import CELLS
from tilewright.hw.lib.resources import Resources, coefficients, resources_of
from tilewright.hw.lib.structure import FAMILIES, Structure
from tilewright.spec import Spec

from .cell_area import area_report

__all__ = [
    "ResourceReport",
    "accelerator_resources",
    "kernel_resources",
    "kernel_structure",
    "provenance",
]

DEFAULT_FAMILIES: Final = ("ecp5", "xc7")
"""Where no board says which."""
KIBIBIT: Final = 1024
COUNTED: Final = ("lut", "ff", "dsp", "ram_blocks", "large_ram_blocks")
NOUNS: Final = {"lut": "LUT", "ff": "FF", "dsp": "DSP", "ram_blocks": "RAM blocks",
                "large_ram_blocks": "UltraRAM blocks"}  # fmt: skip
DOUBT: Final = {"lut": 0.15, "ff": 0.15, "dsp": 0.0, "ram_blocks": 0.0, "large_ram_blocks": 0.0}
"""Share that a design may be above its device before it is said not to fit."""


@dataclass(frozen=True, kw_only=True)
class ResourceReport:
    """What `estimate` adds: rows for people, data for programs, what does not fit."""

    rows: Sequence[tuple[str, str]] = ()
    data: Mapping[str, Any] = field(default_factory=dict)
    excess: Sequence[str] = ()


def kernel_structure(template: Template, params: Any, family: str) -> Structure:
    """What a kernel is made of: the function `structure` of the module `resources` that lies beside
    the template's cost law.

    Raises:
        LookupError: the template has no such module.
    """
    place = _structure_module(template)
    if importlib.util.find_spec(place) is None:
        raise LookupError(f"template {template.name}: no module {place}")
    found: Structure = importlib.import_module(place).structure(params, family)
    return found


def _structure_module(template: Template) -> str:
    return f"{template.cost.partition(':')[0].rpartition('.')[0]}.resources"


def kernel_resources(spec: Spec, template: str, params: Any) -> ResourceReport:
    """Of a kernel; nothing if its template does not say what it is made of."""
    found = find_template(template)
    if importlib.util.find_spec(_structure_module(found)) is None:
        return ResourceReport()
    return _report(spec, lambda family: kernel_structure(found, params, family))


def accelerator_resources(spec: Spec, config: HardwareConfig) -> ResourceReport:
    """Of an accelerator, without what a board puts around it."""
    return _report(spec, lambda family: accelerator_structure(config, family))


def provenance(families: Sequence[str]) -> str:
    """How the estimates for these families were obtained."""
    table = coefficients()
    unfitted = [family for family in families if family not in table.get("families", {})]
    if unfitted:
        return (
            f"first estimates of logic, fitted to no synthesis for {', '.join(unfitted)}; DSP and "
            "RAM by rule; docs/resources.md"
        )
    return (
        f"fitted to {table['designs']} designs synthesised by yosys {table['yosys']} "
        f"({table['date']}); DSP and RAM by rule; docs/resources.md"
    )


def _report(spec: Spec, structure: Callable[[str], Structure]) -> ResourceReport:
    board = board_of(spec)
    families = DEFAULT_FAMILIES if board is None else (board.device.family,)
    if board is not None and board.device.family not in FAMILIES:
        text = f"not known for {board.device.family}: tilewright synth --board {board.name}"
        return ResourceReport(rows=[("resources", text)])
    found = [resources_of(structure(family)) for family in families]
    rows = [row for resources in found for row in _rows(resources, board)]
    source = provenance(families)
    rows.append(("resources from", source))
    data: dict[str, Any] = {r.family: _data(r) for r in found}
    excess: list[str] = []
    more: Mapping[str, Any] = {}
    if board is None:
        area_rows, more = area_report(spec, structure(CELLS))
        rows += area_rows
    else:
        data[board.device.family]["device"] = _device_data(found[0], board.device)
        excess = [f"{d.rule}; {d.help}" for d in too_large(spec, board, _least(found[0]))]
    return ResourceReport(
        rows=rows, data={"resources": data, "resources_from": source, **more}, excess=excess
    )


def _least(resources: Resources) -> dict[str, int]:
    """What a design takes at least, given how far off an estimate may be."""
    return {name: int(getattr(resources, name) * (1 - DOUBT[name])) for name in COUNTED}


def _rows(r: Resources, board: Board | None) -> list[tuple[str, str]]:
    told = [name for name in COUNTED if name != "large_ram_blocks" or r.large_ram_blocks]
    parts = [_amount(r, name, board) for name in told]
    if r.ram_blocks or r.large_ram_blocks:
        parts[-1] += f" holding {r.ram_bits / KIBIBIT:,.0f} Kibit"
    place = r.family if board is None else board.device.name
    rows = [(f"resources {place}", ", ".join(parts))]
    if r.fmax_hz is not None:
        seen = r.accuracy["period"].fitted
        clock = f"{r.fmax_hz / 1e6:,.0f} MHz{_error(r, 'period')} placed and routed"
        rows.append((f"clock {place}", f"{clock} out of context, fitted to {seen} designs"))
    return rows


def _amount(r: Resources, name: str, board: Board | None) -> str:
    """`12,646 LUT +-8 % (15 % of 83,640)`."""
    value = getattr(r, name)
    text = f"{value:,} {NOUNS[name]}{_error(r, name)}"
    if board is None:
        return text
    available = getattr(board.device, name)
    share = f"{100 * value / available:.0f} %" if available else "none there"
    return f"{text} ({share} of {available:,})"


def _error(r: Resources, name: str) -> str:
    """The worst error on designs that no fit has seen."""
    found = r.accuracy.get(name)
    return f" +-{100 * found.worst:.0f} %" if found else ""


def _data(resources: Resources) -> dict[str, Any]:
    accuracy = {name: asdict(found) for name, found in resources.accuracy.items()}
    values = {name: getattr(resources, name) for name in (*COUNTED, "ram_bits", "lut_ram")}
    return {**values, "fmax_hz": resources.fmax_hz, "accuracy": accuracy}


def _device_data(resources: Resources, device: Device) -> dict[str, Any]:
    available = {name: getattr(device, name) for name in COUNTED}
    used = {name: getattr(resources, name) / n for name, n in available.items() if n}
    return {"name": device.name, "available": available, "utilisation": used}

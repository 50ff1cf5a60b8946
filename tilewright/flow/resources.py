"""Resources and clock of a design as `estimate` tells them: for its board, or for two families."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from tilewright.advice import Savings
from tilewright.board_of_spec import board_of, has_board_top, model_family, too_large
from tilewright.boards import Board, Device
from tilewright.boards.top.params import BoardTopParams
from tilewright.build.board_params import board_params, has_parts
from tilewright.catalog import Template, find_template
from tilewright.hw.accelerator_resources import accelerator_structure
from tilewright.hw.lib.cell_area import CELLS
from tilewright.hw.lib.resources import COUNTED, Resources, coefficients, resources_of
from tilewright.hw.lib.structure import FAMILIES, Structure
from tilewright.spec import AcceleratorSpec, Spec

from .board_top import board_top_structure
from .cell_area import area_report
from .savings import savings_of

if TYPE_CHECKING:
    from .design import Design

__all__ = [
    "ResourceReport",
    "accelerator_resources",
    "kernel_resources",
    "kernel_structure",
    "provenance",
    "whole_resources",
]

DEFAULT_FAMILIES: Final = ("ecp5", "xc7")
"""Where no board says which."""
KIBIBIT: Final = 1024
NOUNS: Final = {"lut": "LUT", "ff": "FF", "dsp": "DSP", "ram_blocks": "RAM blocks",
                "large_ram_blocks": "UltraRAM blocks"}  # fmt: skip
DOUBT: Final = {"lut": 0.15, "ff": 0.15, "dsp": 0.0, "ram_blocks": 0.0, "large_ram_blocks": 0.0}
"""Share that a design may be above its device before it is said not to fit."""
FIRST_ERRORS: Final[Mapping[str, Mapping[str, float]]] = {
    "ice40": {"lut": 0.25, "ff": 0.35},
    "ice40up": {"lut": 0.25, "ff": 0.35},
    "gowin": {"lut": 0.15, "ff": 0.15},
}
"""Families without a fit, whose first estimates were compared with the examples of their boards
only: no error of `benchmarks/boards.csv` is larger."""
TOP_PARTS: Final = "serial line, link, memory in RAM blocks, LEDs"
NO_TOP: Final = {
    True: "none, so not counted: there is no top for this board, or for this memory or clock",
    False: "none: a kernel is synthesised alone",
}


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


def accelerator_resources(spec: AcceleratorSpec, design: Design) -> ResourceReport:
    """Of an accelerator, and of what its board puts around it."""
    top = top_of(spec, design, board_of(spec))
    return _report(
        spec,
        lambda family: accelerator_structure(design.config, family),
        None if top is None else lambda family: board_top_structure(top, family),
        lambda family: savings_of(design, family, top),
    )


def top_of(spec: AcceleratorSpec, design: Design, board: Board | None) -> BoardTopParams | None:
    """The parameters of the top that `synth` puts around the design for a bitstream; None: there is
    no board, or the board has no top for such a spec.
    """
    if board is None or not has_board_top(spec, board) or not has_parts(board):
        return None
    return board_params(design, board)[0]


def whole_resources(spec: AcceleratorSpec, design: Design, family: str) -> Resources:
    """What a design takes with its board's top, where there is one and it is of this family."""
    found, board = resources_of(accelerator_structure(design.config, family)), board_of(spec)
    if board is None or model_family(board.device) != family:
        return found
    top = top_of(spec, design, board)
    return found if top is None else _sum(found, resources_of(board_top_structure(top, family)))


def _sum(a: Resources, b: Resources) -> Resources:
    """Both, with the clock of the first and the errors of their family."""
    names = (*COUNTED, "ram_bits", "lut_ram")
    return replace(a, **{name: getattr(a, name) + getattr(b, name) for name in names})


def provenance(families: Sequence[str]) -> str:
    """How the estimates for these families were obtained."""
    table = coefficients()
    unfitted = [family for family in families if family not in table.get("families", {})]
    if unfitted:
        compared = ", compared with examples of boards" if {*unfitted} <= {*FIRST_ERRORS} else ""
        return (
            f"first estimates of logic, fitted to no synthesis for {', '.join(unfitted)}{compared}"
            "; DSP and RAM by rule; docs/resources.md"
        )
    return (
        f"fitted to {table['designs']} designs synthesised by yosys {table['yosys']} "
        f"({table['date']}); DSP and RAM by rule; docs/resources.md"
    )


def _report(
    spec: Spec,
    structure: Callable[[str], Structure],
    board_top: Callable[[str], Structure] | None = None,
    savings: Callable[[str], Savings | None] = lambda family: None,
) -> ResourceReport:
    board = board_of(spec)
    families = DEFAULT_FAMILIES if board is None else (model_family(board.device),)
    if board is not None and families[0] not in FAMILIES:
        text = f"not known for {board.device.family}: tilewright synth --board {board.name}"
        return ResourceReport(rows=[("resources", text)])
    found = [resources_of(structure(family)) for family in families]
    more: dict[str, Any] = {}
    top_rows: list[tuple[str, str]] = []
    if board_top is not None:
        top = resources_of(board_top(families[0]))
        found = [_sum(found[0], top)]
        top_rows = [("of it, board top", f"{_amounts(top, None)}: {TOP_PARTS}")]
        more["board_top"] = {name: getattr(top, name) for name in COUNTED}
    elif board is not None:
        top_rows = [("board top", NO_TOP[isinstance(spec, AcceleratorSpec)])]
    rows = [row for resources in found for row in _rows(resources, board)]
    source = provenance(families)
    rows += [*top_rows, ("resources from", source)]
    data: dict[str, Any] = {r.family: _data(r) | more for r in found}
    excess: list[str] = []
    area: Mapping[str, Any] = {}
    if board is None:
        area_rows, area = area_report(spec, structure(CELLS))
        rows += area_rows
    else:
        data[families[0]]["device"] = _device_data(found[0], board.device)
        large = too_large(spec, board, _least(found[0]), savings(families[0]))
        excess = [f"{d.rule}; {d.help}" for d in large]
    return ResourceReport(
        rows=rows, data={"resources": data, "resources_from": source, **area}, excess=excess
    )


def _least(resources: Resources) -> dict[str, int]:
    """What a design takes at least, given how far off an estimate may be."""
    doubt = {**DOUBT, **FIRST_ERRORS.get(resources.family, {})}
    return {name: int(getattr(resources, name) * (1 - doubt[name])) for name in COUNTED}


def _rows(r: Resources, board: Board | None) -> list[tuple[str, str]]:
    text = _amounts(r, board)
    if r.ram_blocks or r.large_ram_blocks:
        text += f" holding {r.ram_bits / KIBIBIT:,.0f} Kibit"
    place = r.family if board is None else board.device.name
    rows = [(f"resources {place}", text)]
    if r.fmax_hz is not None:
        seen = r.accuracy["period"].fitted
        clock = f"{r.fmax_hz / 1e6:,.0f} MHz{_error(r, 'period')} placed and routed"
        rows.append((f"clock {place}", f"{clock} out of context, fitted to {seen} designs"))
    return rows


def _amounts(r: Resources, board: Board | None) -> str:
    told = [name for name in COUNTED if name != "large_ram_blocks" or r.large_ram_blocks]
    return ", ".join(_amount(r, name, board) for name in told)


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
    worst = found.worst if found else FIRST_ERRORS.get(r.family, {}).get(name)
    return f" +-{100 * worst:.0f} %" if worst else ""


def _data(resources: Resources) -> dict[str, Any]:
    accuracy = {name: asdict(found) for name, found in resources.accuracy.items()}
    values = {name: getattr(resources, name) for name in (*COUNTED, "ram_bits", "lut_ram")}
    return {**values, "fmax_hz": resources.fmax_hz, "accuracy": accuracy}


def _device_data(resources: Resources, device: Device) -> dict[str, Any]:
    available = {name: getattr(device, name) for name in COUNTED}
    used = {name: getattr(resources, name) / n for name, n in available.items() if n}
    return {"name": device.name, "available": available, "utilisation": used}

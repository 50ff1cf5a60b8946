"""What changes of a design would save of its device, by the resource model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from tilewright.advice import ENGINE, IMAGE, NO_COUNTERS, OUTSTANDING, SCRATCHPAD, Savings
from tilewright.boards.top.params import BoardTopParams
from tilewright.hw import accelerator_resources as parts
from tilewright.hw.hardware_config import HardwareConfig
from tilewright.hw.lib.dma_params import LoadParams, StoreParams
from tilewright.hw.lib.resources import COUNTED, resources_of
from tilewright.hw.lib.structure import Structure
from tilewright.hw.systolic.resources import SPACE

from .board_top import board_top_structure, memory_image

if TYPE_CHECKING:
    from .design import Design

Add = Callable[[Structure], None]


def savings_of(design: Design, family: str, top: BoardTopParams | None) -> Savings:
    """At most: an engine, a scratchpad, an image of nothing; one burst at a time."""
    config = design.config
    less = _with_one_burst(config)
    found = {
        ENGINE: _taken(family, lambda s: parts.engine(s, config.systolic)),
        SCRATCHPAD: _taken(family, lambda s: parts.scratchpad(s, config.scratchpad)),
        NO_COUNTERS: _taken(family, lambda s: parts.counters(s, config)),
        OUTSTANDING: _difference(
            _taken(family, lambda s: parts.surroundings(s, config)),
            _taken(family, lambda s: parts.surroundings(s, less)),
        ),
    }
    if top is None:
        return found
    fewer = replace(top, memory=replace(top.memory, outstanding=1))
    of_top = _difference(_of_top(top, family), _of_top(fewer, family))
    found[OUTSTANDING] = {name: n + of_top[name] for name, n in found[OUTSTANDING].items()}
    return found | {IMAGE: _taken(family, lambda s: memory_image(s, top.memory))}


def _taken(family: str, add: Add) -> dict[str, int]:
    structure = Structure(family, SPACE)
    add(structure)
    return _amounts(structure)


def _of_top(top: BoardTopParams, family: str) -> dict[str, int]:
    return _amounts(board_top_structure(top, family))


def _amounts(structure: Structure) -> dict[str, int]:
    found = resources_of(structure)
    return {name: getattr(found, name) for name in COUNTED}


def _difference(a: dict[str, int], b: dict[str, int]) -> dict[str, int]:
    return {name: max(0, a[name] - b[name]) for name in a}


def _with_one_burst(config: HardwareConfig) -> HardwareConfig:
    """The same accelerator with one burst under way at a time."""
    units = tuple(
        replace(unit, params=replace(unit.params, outstanding=1))
        if isinstance(unit.params, LoadParams | StoreParams)
        else unit
        for unit in config.units
    )
    return replace(config, units=units)

"""Whether a design fits a device: how much of what is missing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from .model import Device

NOUNS = {
    "lut": "look-up tables",
    "ff": "registers",
    "dsp": "multipliers",
    "ram_blocks": "blocks of RAM",
    "large_ram_blocks": "large blocks of RAM",
}
"""The resources that are counted, by their names in `Device`, and what to call them."""


@dataclass(frozen=True, kw_only=True)
class Overuse:
    """More of one resource than the device has."""

    resource: str
    used: int
    available: int

    @property
    def excess(self) -> int:
        """How many are missing."""
        return self.used - self.available

    def __str__(self) -> str:
        times = f", {self.used / self.available:.2f} times" if self.available else ""
        noun = NOUNS[self.resource]
        return f"{self.used:,} {noun} of {self.available:,}: {self.excess:,} too many{times}"


def resources_of(device: Device) -> dict[str, int]:
    """What the device has, by the names of `NOUNS`."""
    return {name: getattr(device, name) for name in NOUNS}


def overuse(device: Device, used: Mapping[str, int]) -> tuple[Overuse, ...]:
    """What the device has too little of. Names that are not in `NOUNS` are an error."""
    for name in used:
        if name not in NOUNS:
            raise ValueError(f"resource is one of {', '.join(NOUNS)}, got {name!r}")
    available = resources_of(device)
    return tuple(
        Overuse(resource=name, used=used[name], available=available[name])
        for name in NOUNS
        if used.get(name, 0) > available[name]
    )

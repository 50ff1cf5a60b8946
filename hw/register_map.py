"""The register map of an accelerator, from its configuration. Pure."""

from __future__ import annotations

from tilewright.hw.hardware_config import HardwareConfig
from tilewright.hw.lib.accelerator_registers import accelerator_registers
from tilewright.hw.lib.register_table import RegisterTable

__all__ = ["register_table"]

VERSION = 0 << 16 | 1 << 8 | 0
"""Of the generator, as software reads it."""


def register_table(config: HardwareConfig) -> RegisterTable:
    """The register map of the accelerator."""
    program_bytes = 0
    if config.is_programmable:
        rows = (len(config.units) + 1) * config.program_unit_rows
        program_bytes = 4 * config.program_row_chunks * rows
    return accelerator_registers(
        name=config.name,
        units=tuple(unit.name.replace(".", "_") for unit in config.units),
        version=VERSION,
        spec_hash=config.spec_hash,
        program_bytes=program_bytes,
        has_counters=config.has_counters,
        address_bits=config.axi.address_bits,
    )

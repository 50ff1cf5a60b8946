"""From sizes, or from a spec, to the `Machine` that the planner plans for."""

from __future__ import annotations

from tilewright.dataflow.systolic_machine import (
    MAX_BURST_BEATS,
    machine_of_section,
    systolic_machine,
)

__all__ = ["MAX_BURST_BEATS", "machine_of_section", "systolic_machine"]

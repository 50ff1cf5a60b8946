"""Registers that never change become constants before a family's synthesis.

A bit that only its own enable could change, to the value that it has after reset, is what fields
of a fixed program leave behind: counts of 1 in counters for thousands. yosys knows such a register
only by a proof (`opt_dff -sat`), which its passes for the families leave out. On iCE40 that is a
sixth of the LUTs of a small accelerator and a fifth of its registers.
"""

from typing import Final

from tilewright.build.synth.passes import Pass
from tilewright.build.synth.target import Family

__all__ = ["constant_passes"]

_FAMILIES: Final = ("ice40", "gowin")
"""Those of small devices; the proofs take as long as the rest of synthesis."""


def constant_passes(family: Family) -> list[Pass]:
    """Of a flat module, before `mapping_passes`."""
    if family not in _FAMILIES:
        return []
    clean = Pass("opt_clean")
    return [Pass("opt_expr"), clean, Pass("opt_dff", ("-sat",)), clean]

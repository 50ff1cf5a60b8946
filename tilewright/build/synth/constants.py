"""Registers that never change become constants before a family's synthesis.

A bit that only its own enable could change, to the value that it has after reset, is what fields
of a fixed program leave behind: counts of 1 in counters for thousands. yosys knows such a register
only by a proof (`opt_dff -sat`), which its passes for the families leave out. On iCE40 that is a
sixth of the LUTs of a small accelerator and a fifth of its registers.
"""

from typing import Final

from tilewright.build.synth.passes import Pass
from tilewright.build.synth.target import Target

__all__ = ["constant_passes"]

_SMALL_GOWIN: Final = "gw1n"


def constant_passes(target: Target) -> list[Pass]:
    """Of a flat module, before `mapping_passes`; none for families of large devices, as the proofs
    of a large design take longer than the rest of its synthesis.
    """
    is_small_gowin = target.family == "gowin" and target.gowin_series == _SMALL_GOWIN
    if target.family != "ice40" and not is_small_gowin:
        return []
    clean = Pass("opt_clean")
    return [Pass("opt_expr"), clean, Pass("opt_dff", ("-sat",)), clean]

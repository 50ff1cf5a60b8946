"""How many LUTs, registers and other primitives a Verilog module takes.

Counted as `tilewright.build.synth.counts` says. Nothing is placed: what a vendor's tool packs
better or worse is not seen.
"""

import tempfile
from functools import cache
from pathlib import Path

from tilewright.build.synth import Area, Target, synthesise
from tilewright.build.synth.target import Family

__all__ = ["Area", "area_of"]


@cache
def area_of(verilog: str, top: str, family: Family = "xcup") -> Area:
    """The area of module `top` of this text; within one process each text is synthesised once."""
    with tempfile.TemporaryDirectory(prefix="tilewright-area-") as name:
        source = Path(name) / "design.v"
        source.write_text(verilog)
        target = Target(family=family)
        return synthesise(source, top, target, Path(name) / "out", packs_registers=False).total

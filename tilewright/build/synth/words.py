"""What limits a clock, in words."""

from collections import Counter
from collections.abc import Sequence
from typing import Final

from tilewright.build.synth.result import ClockTiming, PathStep

__all__ = ["limits_of", "where"]

_BLOCKS: Final = {
    "MULT18X18D": "a multiplier block", "SB_MAC16": "a multiplier block",
    "MULT18X18": "a multiplier block", "MULT9X9": "a multiplier block", "DP16KD": "a RAM block",
    "PDPW16KD": "a RAM block", "SB_RAM40_4K": "a RAM block", "SDPB": "a RAM block",
    "TRELLIS_DPR16X4": "a distributed RAM",
}  # fmt: skip
_CARRIES: Final = ("CCU2C", "SB_CARRY", "ALU")
_WIDE: Final = ("PFUMX", "L6MUX21", "MUX2_LUT5", "MUX2_LUT6", "MUX2_LUT7", "MUX2_LUT8")
MOST_ROUTING: Final = 0.55
"""A larger share of routing than this is worth a sentence: about half is usual on these devices."""


def where(step: PathStep) -> str:
    """A step's place: what it does, if known, and the net that it makes."""
    what = step.operation or _BLOCKS.get(step.primitive, "")
    return f"{what} at {step.cell}" if what else step.cell


def limits_of(clocks: Sequence[ClockTiming]) -> tuple[str, ...]:
    """A few sentences for each clock."""
    return tuple(line for clock in clocks if clock.path for line in _limits(clock))


def _limits(clock: ClockTiming) -> list[str]:
    steps = clock.path
    total = sum(step.seconds for step in steps)
    routing = sum(step.seconds for step in steps if step.kind == "routing")
    logic = [step for step in steps if step.kind == "logic"]
    lines = [
        f"{clock.name}: {clock.fmax_hz / 1e6:.1f} MHz; the longest path takes "
        f"{total * 1e9:.2f} ns from {where(steps[0])} to {where(steps[-1])}"
    ]
    if share := _largest(logic, total):
        lines.append(share)
    lines.append(
        f"{clock.name}: {100 * routing / total:.0f} % of the path is routing, "
        f"{_levels(logic)} of logic between the registers"
    )
    if routing > MOST_ROUTING * total:
        worst = max((s for s in steps if s.kind == "routing"), key=lambda step: step.seconds)
        lines.append(
            f"{clock.name}: the longest wire takes {worst.seconds * 1e9:.2f} ns, to {where(worst)}"
        )
    return lines


def _levels(logic: Sequence[PathStep]) -> str:
    """Cells in a row; a carry chain is one level, and so is a LUT with the wide multiplexers that
    belong to it.
    """
    cells = [step for step in logic if step.primitive not in _WIDE]
    levels = sum(1 for place, step in enumerate(cells) if not _goes_on(cells[:place], step))
    return "1 level" if levels == 1 else f"{levels} levels"


def _goes_on(before: Sequence[PathStep], step: PathStep) -> bool:
    """Whether a step is the next cell of the carry chain that the one before is in."""
    if not before or step.primitive not in _CARRIES:
        return False
    last = before[-1]
    chain = (step.primitive, step.instance, step.operation, step.line)
    return chain == (last.primitive, last.instance, last.operation, last.line)


def _largest(logic: Sequence[PathStep], total: float) -> str:
    """The operation that takes most of the path, where one takes a quarter or more."""
    seconds: Counter[tuple[str, str]] = Counter()
    for step in logic:
        what = step.operation or _BLOCKS.get(step.primitive, "")
        if what:
            seconds[what, step.instance] += step.seconds  # type: ignore[assignment]
    if not seconds:
        return ""
    (what, instance), most = max(seconds.items(), key=lambda item: item[1])
    if most < total / 4:
        return ""
    place = f" in {instance}" if instance else ""
    article = "" if what.startswith("a ") else "the "
    return (
        f"{article}{what}{place} takes {most * 1e9:.2f} ns, {100 * most / total:.0f} % of the path"
    )

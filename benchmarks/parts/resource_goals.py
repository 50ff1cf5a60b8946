"""The committed resource model against the table of runs: rows, and what misses the goals."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from tilewright.hw.lib.resources import coefficients

from .form import Row as FormRow
from .resource_designs import designs
from .resource_fit import Errors, Sample, errors_of
from .resource_table import Row, read_rows, structure_of
from .samples import samples_as_they_are

FAMILIES: Final = ("ecp5", "xc7", "xcup")
GOALS: Final[Mapping[str, tuple[float, float | None]]] = {
    "lut": (0.05, 0.15),
    "ff": (0.05, 0.15),
    "period": (0.15, None),
}
"""Mean and worst relative error on designs that no fit has seen."""
LEAST_HELD_OUT: Final = {"lut": 60, "ff": 60, "period": 15}
EXACT: Final = ("dsp", "ram_blocks")


def samples_of(rows: Sequence[Row]) -> list[Sample]:
    """The rows of designs as they are now, each with what its design is made of."""
    return samples_as_they_are(rows, designs(), lambda d, row: structure_of(d, row.family))


def model_rows(samples: Sequence[Sample] | None = None) -> tuple[list[FormRow], list[str]]:
    """A row for each family and resource, and what falls short."""
    samples = samples_of(read_rows()) if samples is None else samples
    table: Mapping[str, Any] = coefficients().get("families", {})
    rows: list[FormRow] = []
    shortfalls: list[str] = []
    counts = dict.fromkeys(LEAST_HELD_OUT, 0)
    for family in FAMILIES:
        own = [sample for sample in samples if sample.row.family == family]
        if not own or family not in table:
            continue
        for name, errors in errors_of(own, table[family]).items():
            if not errors.by_key:
                continue
            short = list(_shortfalls(family, errors))
            rows.append(_row(family, errors, is_good=not short))
            shortfalls += short
            if name in counts:
                counts[name] += len(errors.by_key)
    shortfalls += [
        f"resources {name}: {counts[name]} runs of held-out designs, at least {least}"
        for name, least in LEAST_HELD_OUT.items()
        if counts[name] < least
    ]
    return rows, shortfalls


def _row(family: str, errors: Errors, *, is_good: bool) -> FormRow:
    worst = max(errors.by_key, key=lambda key: abs(errors.by_key[key]))
    return {
        "case": f"resources {family} {errors.name}", "designs": len(errors.by_key),
        "mean_error": round(errors.mean, 4), "worst_error": round(errors.worst, 4),
        "worst_design": worst, "goal": goal_of(errors.name), "ok": is_good,
    }  # fmt: skip


def goal_of(name: str) -> str:
    """The goal in words."""
    if name in EXACT:
        return "exact"
    mean, worst = GOALS[name]
    return f"mean {mean:.0%}" + (f", worst {worst:.0%}" if worst is not None else "")


def _shortfalls(family: str, errors: Errors) -> Iterator[str]:
    if errors.name in EXACT:
        for key, difference in errors.by_key.items():
            if difference:
                yield f"{family} {key}: {errors.name} off by {difference:+g}, the rule is exact"
        return
    mean, worst = GOALS[errors.name]
    if errors.mean > mean:
        yield f"{family} {errors.name}: mean error {errors.mean:.1%}, goal {mean:.0%}"
    if worst is not None and errors.worst > worst:
        yield f"{family} {errors.name}: worst error {errors.worst:.1%}, goal {worst:.0%}"

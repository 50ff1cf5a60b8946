"""The single-operator tests of the onnx package: what ran, what differed, what was passed over."""

from collections import Counter
from collections.abc import Sequence

from tilewright.sim.onnx_node_tests import (
    ABSOLUTE,
    FOUR_DIGITS,
    RELATIVE,
    Outcome,
    exported_tests,
    node_tests,
    outcomes,
    reason_of,
)

from parts.form import Row


def rows() -> list[Row]:
    """A row each for integer, layout and float tests, and one for PyTorch's exports of layers."""
    found = list(outcomes(node_tests()))
    exported = list(outcomes(exported_tests()))
    made = [
        row_of("onnx node tests, integers", [o for o in found if o.group == "integer"]),
        row_of("onnx node tests, layout", [o for o in found if o.group == "layout"]),
        row_of("onnx node tests, floats", [o for o in found if o.group == "float"]),
        row_of("onnx package, layers exported by PyTorch", exported),
    ]
    integers = sum(o.used_integers for o in found)
    made[0]["notes"] = [f"{integers} of them as integer graphs; all must be exact"]
    made[1]["notes"] = ["all must be exact"]
    made[2]["notes"] = [
        f"within {RELATIVE:g} of the value and {ABSOLUTE:g} "
        f"({len(FOUR_DIGITS)} test with expected values of four digits: within 0.001)",
        *skipped_notes(found),
    ]
    made[3]["notes"] = skipped_notes(exported)
    return made


def row_of(case: str, found: Sequence[Outcome]) -> Row:
    """Counts of tests that ran."""
    ran = [o for o in found if o.status != "skipped"]
    wrong = [o for o in ran if o.status == "differs"]
    return {
        "case": case,
        "checked": len(ran),
        "mismatches": len(wrong),
        "exact": sum(o.status == "exact" for o in ran),
        "examples": [f"{o.name}: {o.reason}" for o in wrong],
    }


def skipped_notes(found: Sequence[Outcome]) -> list[str]:
    """How many were passed over, and why."""
    skipped = [o for o in found if o.status == "skipped"]
    counts = Counter(reason_of(o.reason) or o.reason for o in skipped)
    listed = [f"    {count:4}  {reason}" for reason, count in counts.most_common()]
    total = f"{len(found)} tests with operators of ours, {len(skipped)} passed over:"
    return [total, *listed]

"""How far integer softmax, layer normalisation and tables of functions are from exact arithmetic.

Each row takes quantised activations through one operator: with our integers (imported from a QDQ
model), with onnxruntime (session.qdqisint8allowed=1), and in float64. All are read in steps of the
result's scale. `mean` and `max` are the distances of our results from the exact real values (0.25
and 0.5 are what rounding alone costs); `cosine` compares the same two; `equal`, `off 1` and `more`
are the shares of our results that are the exact value rounded, one step away, or further. The last
two columns are the same shares for onnxruntime's results and the share in which we differ from it.

Real activations: convolutions, additions and matrix products of the examples on test images and of
MLPerf Tiny's networks on random inputs (where a folder `shared` beside the project has them, or
--data says where), channels last; logits for softmax. Exit code 1 if a goal is missed.
"""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from parts import normalisation_cases as cases
from parts.form import Row, finish, parser_of

DATA = Path(__file__).resolve().parents[2] / "shared"
LENGTHS = (1, 2, 3, 16, 64, 197, 768, 1024, 4096)
FORMATS = ("int8", "uint8", "int16")
SHARES = {"softmax": (1 / 256, 1 / 255)}
GOALS = {"softmax": 1e-4, "layer_normalization": 2e-4, "int16": 1e-2}
"""The share of values that may differ from onnxruntime's: those beside a tie."""
EQUAL = 1e-6  # steps
FUNCTION_GOAL = 1e-2
"""A function has 256 values, and the inputs that meet one beside a tie may be many."""


def measure(x: cases.Quantised, operator: cases.Operator, scale: float | None = None) -> Row:
    """One row."""
    found = cases.answers(x, operator, scale)
    rounded = np.rint(found.exact)
    away = np.abs(found.ours - rounded)
    theirs = np.abs(found.theirs - rounded)
    between = np.abs(found.ours - found.theirs)
    distance = np.abs(found.ours - found.exact)
    shown = f", scale 1/{1 / scale:.0f}" if scale else ""
    return {
        "operator": operator.name,
        "activations": f"{x.name}{shown}",
        "format": x.number_format,
        "values": int(x.values.size),
        "mean": float(distance.mean()),
        "max": float(distance.max()),
        "cosine": cosine(found),
        "equal": float((away == 0).mean()),
        "off_by_one": float((away == 1).mean()),
        "more": float((away > 1).mean()),
        "onnxruntime_equal": float((theirs == 0).mean()),
        "differ_from_onnxruntime": float((between > 0).mean()),
        "most_from_onnxruntime": int(between.max()),
    }


def cosine(found: cases.Answers) -> float:
    """Of our results and the exact values, both less the exact values' mean; 1 if all are equal."""
    if np.ptp(found.exact) < EQUAL:
        return 1.0
    middle = found.exact.mean()
    a, b = found.ours.ravel() - middle, found.exact.ravel() - middle
    norms = float(np.linalg.norm(a) * np.linalg.norm(b))
    return float(a @ b) / norms if norms else 1.0


def rows(data: Path) -> Iterator[Row]:
    """All rows."""
    real = list(cases.network_activations(data))
    for x in real:
        if x.name.endswith("logits"):
            for scale in SHARES["softmax"]:
                yield measure(x, cases.softmax_of(), scale)
    for seed, length in enumerate(LENGTHS[1:]):
        for number_format in FORMATS[:2]:
            x = cases.random_rows(length, number_format, seed)
            yield measure(x, cases.softmax_of(), SHARES["softmax"][0])
    inner = [x for x in real if not x.name.endswith("logits")]
    for x in inner:
        yield measure(x, cases.layer_normalization_of(x.values.shape[1]))
    for seed, length in enumerate(LENGTHS):
        for number_format in FORMATS:
            x = cases.random_rows(length, number_format, seed)
            yield measure(x, cases.layer_normalization_of(length))
    for operator in cases.functions():
        for x in inner[:: max(1, len(inner) // 4)]:
            yield measure(x, operator)
        yield measure(cases.random_rows(64, "int8", 0), operator)
        yield measure(cases.random_rows(64, "uint8", 1), operator)


def shortfalls(found: Sequence[Row]) -> list[str]:
    """Where we differ from onnxruntime too often, or from the exact value too much."""
    missed = []
    for row in found:
        goal = GOALS["int16"] if row["format"] == "int16" else GOALS.get(row["operator"])
        goal = FUNCTION_GOAL if goal is None else goal
        name = f"{row['operator']}, {row['activations']}, {row['format']}"
        if row["differ_from_onnxruntime"] > goal:
            missed.append(f"{name}: {row['differ_from_onnxruntime']:.2%} differ, goal {goal:.3%}")
        if row["more"]:
            missed.append(f"{name}: {row['more']:.3%} more than one step from the exact value")
    return missed


def table(found: Sequence[Row]) -> str:
    """The rows for a reader, an operator after the other."""
    lines = []
    for operator in dict.fromkeys(row["operator"] for row in found):
        heading = f"{'values':>9} {'mean':>7} {'max':>7} {'cosine':>10} {'equal':>9} {'off 1':>9}"
        lines.append(f"\n{operator:44} {heading} {'more':>6} {'ort equal':>10} {'ours/ort':>9}")
        lines += [line(row) for row in found if row["operator"] == operator]
    return "\n".join(lines).lstrip("\n")


def line(row: Row) -> str:
    """One row."""
    return (
        f"{row['activations'][:36]:37}{row['format']:7}"
        f"{row['values']:10,} {row['mean']:7.4f} {row['max']:7.4f} {row['cosine']:10.7f} "
        f"{row['equal']:9.5%} {row['off_by_one']:9.5%} {row['more']:6.2%} "
        f"{row['onnxruntime_equal']:10.5%} {row['differ_from_onnxruntime']:9.5%}"
    )


def main() -> int:
    """Measures and prints."""
    parser = parser_of(__doc__)
    parser.add_argument("--data", type=Path, default=DATA, help="folder with public models")
    arguments = parser.parse_args()
    found = list(rows(arguments.data))
    packages = ("onnxruntime", "onnx", "numpy")
    return finish(found, shortfalls(found), as_json=arguments.json, table=table, packages=packages)


if __name__ == "__main__":
    sys.exit(main())

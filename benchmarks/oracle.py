"""Our integers against onnxruntime's integer kernels, value by value.

Every output is compared, and every inner integer tensor that can be made an output without changing
which kernels run (the optimised graphs of both are saved and their nodes counted); tensors that
cannot are left out, counted and named.

onnxruntime has integer kernels for some operators and forms only. Of the random graphs, the row
`integer kernels` holds those that it runs without floats, or with floats that are rounded nowhere
between DequantizeLinear and QuantizeLinear (Relu, MaxPool, moves); there no value may differ. The
row `float in onnxruntime` holds the others: what differs there is counted, with the largest
difference in integer steps, and not judged, since a float kernel is no integer reference.

Exit code 1 if a figure falls short. Files that are not part of this project are looked for in a
folder `shared` beside it, or in --data.
"""

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import onnxruntime
from parts import oracle_graphs, oracle_models, oracle_nodes, oracle_qonnx, oracle_tflite
from parts.form import Row, finish, parser_of
from tilewright.sim.golden.oracle import processor_flags

DATA = Path(__file__).resolve().parents[2] / "shared"
FLAGS = ("avx2", "avx_vnni", "avx512_vnni", "avx512f", "avx512vl", "amx_int8", "asimddp", "i8mm")
"""Instruction sets by which onnxruntime chooses among its integer kernels."""
PACKAGES = ("onnxruntime", "onnx", "numpy")
SHOWN = 8
Makers = Mapping[str, Callable[[], list[Row]]]


def makers(samples: int | None, graphs: int, data: Path) -> Makers:
    """The groups of rows by the names that `--only` takes."""
    return {
        "examples": lambda: oracle_models.example_rows(samples or 540),
        "ic_resnet8": lambda: oracle_models.public_rows(("ic_resnet8",), data, samples or 200),
        "kws_dscnn": lambda: oracle_models.public_rows(("kws_dscnn",), data, samples or 200),
        "nodes": oracle_nodes.rows,
        "tflite": lambda: oracle_tflite.rows(samples or 200, data),
        "qonnx": lambda: oracle_qonnx.rows(data, samples or 200),
        "graphs": lambda: oracle_graphs.rows(graphs),
    }


def shortfalls(rows: Sequence[Row]) -> list[str]:
    """What misses a figure, in words."""
    found: list[str] = []
    for row in rows:
        case = row["case"]
        if "skipped" in row:
            continue
        if row.get("is_judged", True):
            if row["mismatches"]:
                found.append(f"{case}: {row['mismatches']} of {row['checked']} values differ")
            if not row["checked"]:
                found.append(f"{case}: nothing was compared")
        for value, goal in (("accuracy", "accuracy_goal"), ("graphs", "graphs_goal"),
                            ("least_share", "share_goal")):  # fmt: skip
            if row.get(value, 0) < row.get(goal, 0):
                found.append(f"{case}: {value} {row[value]}, goal {row[goal]}")
        if row.get("seconds_per_image", 0) > row.get("seconds_limit", float("inf")):
            found.append(
                f"{case}: {row['seconds_per_image']} s per image, limit {row['seconds_limit']}"
            )
        found += [f"{case}: {text}" for text in row.get("falls_short", [])]
    return found


def table(rows: Sequence[Row]) -> str:
    """The rows for a reader, each with what there is to say below it."""
    flags = ", ".join(processor_flags(FLAGS)) or "unknown"
    lines = [
        f"onnxruntime {onnxruntime.__version__}, session.qdqisint8allowed=1; processor: {flags}",
        "",
        f"{'case':42} {'checked':>12} {'mismatches':>11}",
    ]
    for row in rows:
        if "skipped" in row:
            lines.append(f"{row['case']:42} {'skipped':>12}   {row['skipped']}")
            continue
        judged = "" if row.get("is_judged", True) else "   (not judged)"
        lines.append(f"{row['case']:42} {row['checked']:12,} {row['mismatches']:11,}{judged}")
        lines += [f"    {text}" for text in notes(row)]
    return "\n".join(lines)


def notes(row: Row) -> list[str]:
    """What a row holds besides its counts."""
    found = []
    if "samples" in row:
        found.append(f"{row['samples']} inputs")
    if "accuracy_onnxruntime" in row:
        both = f"accuracy {row['accuracy']:.4f}, onnxruntime {row['accuracy_onnxruntime']:.4f}"
        found.append(f"{both}, goal {row.get('accuracy_goal', '-')}")
    if "inner_tensors" in row:
        found.append(inner_note(row))
    if row.get("float_kernels"):
        kernels = ", ".join(f"{kind} {n}" for kind, n in sorted(row["float_kernels"].items()))
        found.append(f"on floats in onnxruntime: {kernels}")
    if "seconds_per_image" in row:
        limit = row.get("seconds_limit", "-")
        found.append(f"golden run: {row['seconds_per_image']} s per image (limit {limit})")
    if "graphs" in row:
        found.append(
            f"{row['graphs']} graphs (goal {row.get('graphs_goal', '-')}), "
            f"{row['graphs_that_differ']} differ, largest difference {row['largest']:g} steps"
        )
    found += [*graph_notes(row), *row.get("notes", [])]
    return found + [f"mismatch: {text}" for text in row.get("examples", [])[:SHOWN]]


def inner_note(row: Row) -> str:
    """How many inner tensors were seen, and which were not."""
    names = row["left_out"]
    named = f": {', '.join(names)}" if names else ""
    return f"{row['inner_tensors']} inner tensors compared, {len(names)} left out{named}"


def graph_notes(row: Row) -> list[str]:
    """How the random graphs were made up, and which were refused."""
    found = []
    if "shares" in row:
        shares = [f"{kind} {share:.1%}" for kind, share in row["shares"].items()]
        rows_of_four = [", ".join(shares[i : i + 4]) for i in range(0, len(shares), 4)]
        goal = f"goal {row['share_goal']:.0%} each" if row["share_goal"] else "too few to judge"
        found.append(f"graphs with each kind of op ({goal}):")
        found += [f"  {text}" for text in rows_of_four]
    for who in ("us", "onnxruntime"):
        for reason, number in row.get(f"refused_by_{who}", {}).items():
            found.append(f"{number} refused by {who}: {reason}")
    return found


def positive(text: str) -> int:
    """A number of something; argparse says what is wrong otherwise."""
    if int(text) < 1:
        raise ValueError(text)
    return int(text)


def main() -> int:
    """Compares and prints."""
    parser = parser_of(__doc__)
    names = list(makers(None, 0, DATA))
    parser.add_argument("--only", choices=names, action="append", help="these groups of rows only")
    parser.add_argument("--samples", type=positive, help="inputs of a model (200; 540 images)")
    parser.add_argument("--graphs", type=positive, default=2000, help="random graphs (2000)")
    parser.add_argument("--data", type=Path, default=DATA, help="the folder `shared`")
    arguments = parser.parse_args()
    groups = makers(arguments.samples, arguments.graphs, arguments.data)
    rows = [row for name in names if name in (arguments.only or names) for row in groups[name]()]
    return finish(rows, shortfalls(rows), as_json=arguments.json, table=table, packages=PACKAGES)


if __name__ == "__main__":
    sys.exit(main())

"""Random quantised graphs against onnxruntime."""

from collections import Counter
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from tilewright.dataflow.importers.model import import_bytes
from tilewright.sim.golden.comparison import Comparison
from tilewright.sim.golden.oracle import ORT_ERRORS
from tilewright.sim.random_models.draw import SeededDraw
from tilewright.sim.random_models.kinds import KINDS
from tilewright.sim.random_models.model import RandomModel, random_model

from tilewright.spec.diagnostics import SpecError

from .form import Row

LEAST_SHARE = 0.05  # of graphs, for each kind of op
ENOUGH = 1000  # graphs for their shares to mean something
SHOWN = 10
REPEAT = (
    "to see a graph: random_model of tilewright.sim.random_models.model, "
    "SeededDraw of tilewright.sim.random_models.draw"
)
STRICT = tuple(name for name, kind in KINDS.items() if not kind.is_float)


@dataclass
class Tally:
    """Graphs of one class."""

    graphs: int = 0
    checked: int = 0
    mismatches: int = 0
    graphs_that_differ: int = 0
    largest: float = 0.0
    inner_tensors: int = 0
    left_out: list[str] = field(default_factory=list)
    double_pairs: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    kernels: Counter[str] = field(default_factory=Counter)
    examples: list[str] = field(default_factory=list)

    def add(self, model: RandomModel, comparison: Comparison, how: str, seed: int) -> None:
        counts = (comparison.outputs, comparison.inner)
        wrong = sum(count.mismatches for count in counts)
        self.graphs += 1
        self.checked += sum(count.checked for count in counts)
        self.mismatches += wrong
        self.graphs_that_differ += wrong > 0
        self.largest = max(self.largest, *(count.largest for count in counts))
        self.inner_tensors += len(comparison.inner.tensors)
        self.left_out += [f"{seed}:{name}" for name in comparison.left_out]
        self.double_pairs += comparison.observer.oracle.had_double_pairs
        self.kinds.update(model.kinds)
        self.kernels.update({*comparison.float_kernels})
        if wrong and len(self.examples) < SHOWN:
            first = next(text for count in counts for text in count.examples)
            self.examples.append(f"{how}: {wrong} values differ, first {first}")


@dataclass
class Totals:
    """What became of the graphs that were drawn."""

    integer: Tally = field(default_factory=Tally)
    in_floats: Tally = field(default_factory=Tally)
    refused_by_us: Counter[str] = field(default_factory=Counter)
    refused_by_onnxruntime: Counter[str] = field(default_factory=Counter)


def rows(graphs: int) -> list[Row]:
    """`graphs` random graphs that onnxruntime runs with integer kernels, and a fourth as many that
    hold an operator for which it has none."""
    totals = Totals()
    for seed in count():
        if totals.integer.graphs >= graphs or seed >= 2 * graphs + 10:
            break
        judge(totals, seed, floats=False)
    for seed in range(graphs // 4):
        judge(totals, seed, floats=True)
    shares = {kind: totals.integer.kinds[kind] / max(totals.integer.graphs, 1) for kind in STRICT}
    integer = row_of("random graphs, integer kernels", totals.integer)
    integer["graphs_goal"] = graphs
    integer["shares"] = {kind: round(share, 4) for kind, share in shares.items()}
    integer["least_share"] = round(min(shares.values()), 4)
    integer["share_goal"] = LEAST_SHARE if graphs >= ENOUGH else 0.0
    integer["refused_by_us"] = dict(totals.refused_by_us)
    integer["refused_by_onnxruntime"] = dict(totals.refused_by_onnxruntime)
    floats = row_of("random graphs, float in onnxruntime", totals.in_floats)
    return [integer, floats | {"is_judged": False}]


def judge(totals: Totals, seed: int, floats: bool) -> None:
    """Draw one graph, compare it, count it."""
    how = f"random_model(SeededDraw({seed}){', floats=True' if floats else ''})"
    model = random_model(SeededDraw(seed), floats)
    try:
        imported = import_bytes(model.data, Path(f"seed{seed}.onnx"), model.batch)
    except SpecError as error:
        totals.refused_by_us[f"{how}: {str(error).splitlines()[0]}"] += 1
        return
    try:
        comparison = Comparison(model.data, imported)
        theirs = comparison.observer.run(model.inputs)
    except ORT_ERRORS as error:
        totals.refused_by_onnxruntime[_reason(error)] += 1
        return
    comparison.compare(model.inputs, theirs)
    (totals.integer if comparison.is_exact else totals.in_floats).add(model, comparison, how, seed)


def _reason(error: Exception) -> str:
    return str(error).rpartition("Message:")[2].strip()[:100]


def row_of(case: str, tally: Tally) -> Row:
    """The row of a class of graphs; tensors are named with their graphs' seeds."""
    notes = [
        f"{tally.double_pairs} hold two QDQ pairs in a row, which onnxruntime would merge, "
        "with a scale of its own: switched off there"
    ]
    if tally.examples:
        notes.append(REPEAT)
    return {
        "case": case,
        "graphs": tally.graphs,
        "checked": tally.checked,
        "mismatches": tally.mismatches,
        "graphs_that_differ": tally.graphs_that_differ,
        "largest": tally.largest,
        "inner_tensors": tally.inner_tensors,
        "left_out": tally.left_out,
        "float_kernels": dict(tally.kernels),
        "double_pairs": tally.double_pairs,
        "notes": notes,
        "examples": tally.examples,
    }

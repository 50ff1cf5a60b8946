"""The comparison: simulated outputs against the golden model and against onnxruntime."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tilewright.sim.golden.oracle import oracle_outputs
from tilewright.sim.golden.run import run as run_golden
from tilewright.spec import AcceleratorSpec

from .design import Design
from .inputs import Samples
from .simulation import StalledRun, outputs_of

SHOWN_MISMATCHES = 5


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """Counts over the samples that really ran. `right` None: no labels are known.

    With `is_exact` scales, onnxruntime's integers are required, not only counted.
    """

    samples: int
    samples_run: int
    values: int
    golden_mismatches: int
    oracle_mismatches: int
    is_exact: bool
    right: int | None
    stalled_runs: int
    stalled_failures: tuple[str, ...]
    examples: tuple[str, ...]

    @property
    def is_right(self) -> bool:
        """All samples ran and every value agrees with both."""
        whole = self.samples_run == self.samples and self.values > 0
        agrees = not self.oracle_mismatches or not self.is_exact
        survives = self.stalled_runs > 0 and not self.stalled_failures
        return whole and not self.golden_mismatches and agrees and survives

    def rows(self) -> list[tuple[str, str]]:
        """For people."""
        right = (
            [] if self.right is None else [("images right", f"{self.right} of {self.samples_run}")]
        )
        return [
            *right,
            (
                "samples run",
                f"{self.samples_run} of {self.samples}, {self.values:,} values compared",
            ),
            ("mismatches, golden", f"{self.golden_mismatches:,} (NumPy integers)"),
            ("mismatches, oracle", f"{self.oracle_mismatches:,} ({self._oracle_words()})"),
            ("under stalls", self._stalled_words()),
            *(("mismatch", text) for text in self.examples),
        ]

    def _stalled_words(self) -> str:
        wrong = "; ".join(self.stalled_failures)
        return wrong or f"right in {self.stalled_runs} runs with random pauses on every channel"

    def _oracle_words(self) -> str:
        name = "onnxruntime's integer kernels"
        return name if self.is_exact else f"{name}; fixed-point scales may differ: not judged"

    def data(self) -> dict[str, Any]:
        """For programs."""
        return {
            "samples": self.samples,
            "samples_run": self.samples_run,
            "values": self.values,
            "golden_mismatches": self.golden_mismatches,
            "oracle_mismatches": self.oracle_mismatches,
            "right": self.right,
            "stalled_runs": self.stalled_runs,
            "stalled_failures": list(self.stalled_failures),
        }


def judge(
    spec: AcceleratorSpec,
    design: Design,
    samples: Samples,
    inputs: Sequence[Mapping[str, NDArray[Any]]],
    outputs: Mapping[str, NDArray[Any]],
    stalled: Sequence[StalledRun],
) -> Verdict:
    """Compare what the hardware wrote, in time and under stalls, with both models."""
    ran = min(samples.count, min((len(values) for values in outputs.values()), default=0))
    golden = _golden(design, inputs)
    floats = {design.graph.tensor(name).origin: a for name, a in samples.arrays.items()}
    oracle = oracle_outputs(spec.model_path, design.graph, floats)
    golden_mismatches = oracle_mismatches = values = 0
    examples: list[str] = []
    for name, got in outputs.items():
        got = got[:ran]
        values += got.size
        wrong = got != golden[name][:ran]
        golden_mismatches += int(wrong.sum())
        oracle_mismatches += int((got != oracle[name][:ran]).sum())
        for index in np.argwhere(wrong)[: SHOWN_MISMATCHES - len(examples)]:
            place = tuple(int(i) for i in index)
            examples.append(
                f"{name}{list(place)}: expected {golden[name][place]}, got {got[place]}"
            )
    return Verdict(
        samples=samples.count,
        samples_run=ran,
        values=values,
        golden_mismatches=golden_mismatches,
        oracle_mismatches=oracle_mismatches,
        is_exact=design.machine.engines[0].params["requantize"] == "exact",
        right=_count_right(samples, outputs, ran),
        stalled_runs=len(stalled),
        stalled_failures=tuple(_stalled_failures(design, golden, stalled)),
        examples=tuple(examples),
    )


def _count_right(samples: Samples, outputs: Mapping[str, NDArray[Any]], ran: int) -> int | None:
    """Samples whose largest output is their label's, where labels are known."""
    if samples.labels is None or len(outputs) != 1:
        return None
    scores = next(iter(outputs.values()))[:ran]
    return int((scores.argmax(axis=1) == samples.labels[:ran]).sum())


def _stalled_failures(
    design: Design, golden: Mapping[str, NDArray[Any]], stalled: Sequence[StalledRun]
) -> Iterator[str]:
    """What went wrong in runs under stalls, which are all of the first start."""
    for run in stalled:
        if not run.result.is_passed:
            yield f"{run.folder}: {run.result.run.explain()}"
            continue
        for name, got in outputs_of(design, run.result).items():
            wrong = int((got != golden[name][: len(got)]).sum())
            if wrong or not len(got):
                yield f"{run.folder}: {wrong} of {got.size} values of {name} differ"


def _golden(
    design: Design, inputs: Sequence[Mapping[str, NDArray[Any]]]
) -> dict[str, NDArray[Any]]:
    runs = [run_golden(design.graph, dict(batch)) for batch in inputs]
    names = [tensor.name for tensor in design.graph.outputs]
    return {name: np.concatenate([run[name] for run in runs]) for name in names}

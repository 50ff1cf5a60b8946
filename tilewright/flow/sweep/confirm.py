"""Confirmation in RTL: designs of a sweep generated and simulated, measured beside estimated.

The cycles of a program without bank conflicts are exact, and every program is proven free of them
before it is estimated, so a difference is a fault in the estimate or in the hardware.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tilewright.dse.ledger import DONE, FAILED, Ledger, Record, content_key
from tilewright.dse.space import Design as Values
from tilewright.dse.sweep import Kept, Sweep
from tilewright.dse.sweep_choice import best_designs, random_designs
from tilewright.dse.sweep_crew import Crew, Outcome, Task
from tilewright.dse.sweep_file import Compared, Confirmation
from tilewright.dse.sweep_tasks import error_text

from .evaluate import ModelEvaluation

FOLDER: Final = "confirmations"
FORMAT: Final = "confirmation-1"
MEASURED: Final = ("cycles", "bytes_off_chip")


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """How many designs to confirm, the best ones and some at random."""

    best: int = 0
    random: int = 0
    seed: int = 1

    def designs(self, sweep: Sweep, kept: Kept) -> dict[int, str]:
        """By number why it was chosen."""
        best = best_designs(sweep, kept, self.best)
        at_random = random_designs(kept, self.random, but=best, seed=self.seed)
        return {**dict.fromkeys(best, "best"), **dict.fromkeys(at_random, "random")}


def measure_design(evaluate: ModelEvaluation, values: Values, out: Path) -> dict[str, Any]:
    """Generate and simulate one design as `tilewright verify` does; runs in a worker.

    `measured` has what the starts took, `is_right` whether all values were, `conflicts` cycles lost
    to them; or there is an `error`.
    """
    from tilewright.flow import verify

    try:
        result = verify(evaluate.spec(values), out)
        data = result.to_json()
    except (Exception, SystemExit) as error:
        return {"error": error_text(error)}
    starts = len(data["cycles"])
    if not starts:
        return {"error": " ".join(str(note) for note in data["notes"]) or "nothing was measured"}
    moved = data["bytes_read"] + data["bytes_written"]
    mismatches = data["golden_mismatches"]
    return {
        "measured": {"cycles": data["cycles"], "bytes_off_chip": moved / starts},
        "mismatches": mismatches,
        "is_right": not mismatches and not data["stalled_failures"],
        "conflicts": sum(unit["bank_conflict"] for unit in data["activity"].values()),
    }


def confirm(
    sweep: Sweep,
    evaluate: ModelEvaluation,
    kept: Kept,
    wanted: Mapping[int, str],
    ledger: Ledger,
    crew: Crew,
    *,
    out: Path,
    tell: Callable[[str], None],
    retries_failed: bool = False,
    measure: Callable[..., dict[str, Any]] | None = None,
) -> tuple[tuple[Confirmation, ...], bool]:
    """The confirmations of the designs `wanted`, and whether these are all: after Ctrl-C not.

    What the ledger has is not simulated again.
    """
    designs = {number: sweep.space.design(number) for number in wanted}
    keys = {number: content_key([FORMAT, sweep.design_key(d)]) for number, d in designs.items()}
    found = dict(_known(keys, ledger, retries_failed))
    todo = [
        Task(number=n, arguments=(evaluate, designs[n], out / FOLDER / f"{n:04d}"))
        for n in wanted
        if n not in found
    ]
    is_whole = True
    try:
        with closing(crew.run(measure or measure_design, todo)) as outcomes:
            for outcome in (one for some in outcomes for one in some):
                number = outcome.task.number
                found[number] = _body(outcome)
                ledger.append([_record(keys[number], found[number])])
                tell(f"confirmed {len(found)} of {len(wanted)} designs in RTL")
    except KeyboardInterrupt:
        is_whole = False
    done = (confirmation_of(n, why, kept[n], found[n]) for n, why in wanted.items() if n in found)
    return tuple(sorted(done, key=lambda one: one.index)), is_whole


def confirmation_of(
    index: int, why: Any, estimated: Mapping[str, float], body: Mapping[str, Any]
) -> Confirmation:
    """Measured beside estimated; of several starts the one that is farthest off. Bank conflicts
    excuse a difference in cycles: then it is no error.
    """
    error = body.get("error")
    if error is not None:
        return Confirmation(index=index, why=why, metrics={}, is_equal=False, has_conflicts=False,
                            error=str(error))  # fmt: skip
    measured = body["measured"]
    wanted = estimated["cycles"]
    cycles = max(measured["cycles"], key=lambda one: abs(one - wanted))
    values = {"cycles": cycles, "bytes_off_chip": measured["bytes_off_chip"]}
    metrics = {n: Compared(estimated=estimated[n], measured=values[n]) for n in MEASURED}
    differ = [name for name, one in metrics.items() if one.measured != one.estimated]
    has_conflicts = body["conflicts"] > 0
    problems = [
        f"{name}: {metrics[name].measured:g} measured, {metrics[name].estimated:g} estimated"
        for name in differ
        if not (name == "cycles" and has_conflicts)
    ]
    if not body["is_right"]:
        problems.append(f"wrong values: {body['mismatches']} differ, or runs under stalls failed")
    return Confirmation(
        index=index,
        why=why,
        metrics=metrics,
        is_equal=not differ and bool(body["is_right"]),
        has_conflicts=has_conflicts,
        error="; ".join(problems) or None,
    )


def _known(
    keys: Mapping[int, str], ledger: Ledger, retries_failed: bool
) -> Iterator[tuple[int, Mapping[str, Any]]]:
    for number, key in keys.items():
        record = ledger.get(key)
        if record is not None and (record.is_done or not retries_failed):
            yield number, record.body["found"]


def _body(outcome: Outcome) -> dict[str, Any]:
    if outcome.lost is not None:
        return {"error": outcome.lost}
    found: dict[str, Any] = outcome.value
    return found


def _record(key: str, found: Mapping[str, Any]) -> Record:
    status = FAILED if "error" in found else DONE
    return Record(key=key, body={"status": status, "kind": "confirmation", "found": dict(found)})


def failed_confirmations(confirmations: Sequence[Confirmation]) -> list[str]:
    """A line for each that fails the sweep."""
    return [f"design {one.index}: {one.error}" for one in confirmations if one.error is not None]

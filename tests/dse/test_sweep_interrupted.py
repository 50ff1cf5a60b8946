"""Ctrl-C at any moment: what was evaluated by then is the result, and the rest goes on later."""

import numpy as np
import pytest
import sweep_functions as functions
from tilewright.dse import sweep as sweeps
from tilewright.dse import sweep_progress
from tilewright.dse.ledger import MemoryLedger
from tilewright.dse.search import run
from tilewright.dse.search.run import search
from tilewright.dse.search.sampler import RandomSampler
from tilewright.dse.sweep import sweep_blocks, sweep_designs
from tilewright.dse.sweep_collect import measured_rows
from tilewright.dse.sweep_crew import Crew


class Stops(RandomSampler):
    """Ctrl-C at the third call of one of its methods."""

    def __init__(self, space, method: str) -> None:
        super().__init__(space, seed=1)
        self.method, self.calls = method, 0

    def _meet(self, method: str) -> None:
        self.calls += method == self.method
        if self.calls == 3:
            raise KeyboardInterrupt

    def ask(self, count):
        self._meet("ask")
        return super().ask(count)

    def tell(self, answers):
        self._meet("tell")
        super().tell(answers)


@pytest.mark.parametrize(("method", "batches"), [("ask", 2), ("tell", 3)])
def test_a_sampler_that_is_interrupted_leaves_what_there_is(method: str, batches: int) -> None:
    sweep, ledger, kept = functions.sweep_of(), MemoryLedger(), {}
    crew = Crew(start=functions.Here)
    result = search(sweep, Stops(sweep.space, method), ledger, crew, budget=40, kept=kept)
    assert result.was_interrupted
    assert len(kept) == len(ledger.records) == batches * run.BATCH
    assert {point.index for point in result.front} <= kept.keys()


@pytest.mark.parametrize("calls", [1, 5])
def test_an_interruption_while_records_are_read_or_kept(
    calls: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The front names no design without metrics."""
    sweep, ledger, kept = functions.sweep_of(), MemoryLedger(), {}
    sweep_designs(sweep, range(30), ledger, Crew(start=functions.Here))
    original, met = sweeps.part_of_design, []

    def interrupted(*arguments):
        met.append(1)
        if len(met) == calls:
            raise KeyboardInterrupt
        return original(*arguments)

    monkeypatch.setattr(sweeps, "part_of_design", interrupted)
    result = sweep_designs(sweep, range(90), ledger, Crew(start=functions.Here), kept=kept)
    assert result.was_interrupted
    assert {point.index for point in result.front} <= kept.keys()


def test_blocks_that_were_not_evaluated_are_not_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweep_progress.Meter, "is_due", functions.due_if_wanted)
    sweep, ledger, done = functions.sweep_of(None, many=functions.columns_of), MemoryLedger(), []

    def stop(moment) -> None:
        if moment.done >= 100:
            raise KeyboardInterrupt

    crew = Crew(start=functions.Here, in_flight=1)
    meter = {"report": stop, "block_designs": 50, "covered": done}
    result = sweep_blocks(sweep, ledger, crew, **meter)
    assert result.was_interrupted
    assert 0 < len(ledger.records) < 4
    assert sum(stop - start for start, stop in done) == 50 * len(ledger.records)
    listed = measured_rows(sweep, result, covered=done)
    assert sorted(listed) == sorted(np.concatenate([np.arange(*block) for block in done]).tolist())


def test_blocks_are_interrupted_while_records_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    sweep, ledger = functions.sweep_of(None, many=functions.columns_of), MemoryLedger()
    crew = Crew(start=functions.Here)
    sweep_blocks(sweep, ledger, crew, block_designs=50)

    def interrupted(*_arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(sweeps, "known_part", interrupted)
    result = sweep_blocks(sweep, ledger, crew, block_designs=50)
    assert result.was_interrupted
    assert (result.front, result.is_exact) == ((), False)

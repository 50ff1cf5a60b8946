"""Sweeps on worker processes that die, are interrupted, or leave."""

import os
import signal
import threading
import time
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from multiprocessing import get_context
from pathlib import Path

import pytest
import sweep_functions as functions
from tilewright.dse import sweep_progress
from tilewright.dse.ledger import MemoryLedger
from tilewright.dse.sweep import sweep_designs
from tilewright.dse.sweep_crew import Crew, CrewError, Task
from tilewright.dse.sweep_tasks import measure_one

from tilewright.build.workers import LocalPool
from tilewright.errors import UsageError

INDICES = range(60)


@pytest.fixture
def crew():
    made = Crew(start=lambda: LocalPool(2), in_flight=4, tick_seconds=0.1)
    yield made
    made.stop(is_hurried=True)


def undisturbed():
    """The same sweep without workers."""
    return functions.here(functions.sweep_of(), INDICES)


def test_a_design_that_kills_its_worker_is_recorded_as_failed(crew) -> None:
    """The three designs at fault fail; none of those beside them is blamed."""
    ledger = MemoryLedger()
    sweep = functions.sweep_of(functions.kills_its_worker)
    result = sweep_designs(sweep, range(40, 60), ledger, crew)
    assert [failed.start for failed in result.failed] == [42, 50, 58]
    for failed in result.failed:
        assert failed.error == "its worker died 3 times: BrokenProcessPool"
    assert len(ledger.records) == 20
    assert crew.deaths >= 9


def test_a_design_whose_worker_died_by_accident_is_tried_again(crew, tmp_path: Path) -> None:
    sweep = functions.sweep_of(functions.KillsItsWorkerOnce(tmp_path / "mark"))
    assert sweep_designs(sweep, INDICES, MemoryLedger(), crew) == undisturbed()
    assert crew.deaths == 1


def test_a_function_that_leaves_is_a_failure_not_an_end(crew) -> None:
    result = sweep_designs(
        functions.sweep_of(functions.leaves), range(40, 50), MemoryLedger(), crew
    )
    assert [failed.start for failed in result.failed] == [42]
    assert result.failed[0].error.startswith("SystemExit: 4 (sweep_functions.py")
    assert crew.deaths == 0


def test_workers_killed_from_outside_cost_nothing(crew) -> None:
    """A killer ends one of the workers after every ten records, however slow the machine is; the
    records are those of a quiet run.
    """
    sweep = functions.sweep_of(functions.slow)
    ledger = MemoryLedger()
    done = threading.Event()

    def kill_some() -> None:
        wanted = 10
        while not done.wait(0.02):
            processes = list((getattr(crew._executor, "_processes", None) or {}).values())
            if len(ledger.records) >= wanted and processes:
                wanted = len(ledger.records) + 10
                with suppress(ProcessLookupError):
                    os.kill(processes[0].pid, signal.SIGKILL)

    killer = threading.Thread(target=kill_some)
    killer.start()
    crew.attempts = 50
    try:
        result = sweep_designs(sweep, INDICES, ledger, crew)
    finally:
        done.set()
        killer.join()
    assert crew.deaths >= 1
    assert len(ledger.records) == len(INDICES)
    assert result == undisturbed()


def test_ctrl_c_leaves_a_usable_ledger_and_no_workers(crew, monkeypatch) -> None:
    monkeypatch.setattr(sweep_progress.Meter, "is_due", functions.due_if_wanted)
    sweep = functions.sweep_of(functions.slow)
    ledger = MemoryLedger()
    pids: list[int] = []

    def interrupt(progress) -> None:
        if progress.done >= 10 and not pids:
            pids.extend(process.pid for process in crew._executor._processes.values())
            signal.raise_signal(signal.SIGINT)

    result = sweep_designs(sweep, INDICES, ledger, crew, report=interrupt)
    assert result.was_interrupted
    assert not result.is_exact
    assert 10 <= result.evaluated == len(ledger.records) < len(INDICES)
    deadline = time.monotonic() + 10
    while any(is_alive(pid) for pid in pids):
        assert time.monotonic() < deadline, "a worker outlives its sweep"
        time.sleep(0.05)
    assert pids
    assert sweep_designs(sweep, INDICES, ledger, crew) == undisturbed()


def is_alive(pid: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().split()[2:3]
    except (FileNotFoundError, ProcessLookupError):  # gone, perhaps while it was read
        return False


def test_work_that_cannot_be_sent_is_our_fault_and_is_told(crew) -> None:
    with pytest.raises(CrewError, match="cannot be sent to workers"):
        list(crew.run(measure_one, [Task(number=0, arguments=(lambda: 0, {}))]))


def test_workers_that_die_before_they_begin_are_told() -> None:
    crew = Crew(
        start=lambda: ProcessPoolExecutor(
            1, mp_context=get_context("forkserver"), initializer=os._exit, initargs=(3,)
        )
    )
    tasks = [Task(number=n, arguments=(n,)) for n in range(2)]
    outcomes = [o for some in crew.run(abs, tasks) for o in some]
    assert [outcome.lost for outcome in outcomes] == [
        "its worker died 3 times: BrokenProcessPool"
    ] * 2
    crew.stop(is_hurried=True)


def test_a_pool_that_cannot_start_a_worker_is_made_anew() -> None:
    """Its server was killed: executors refuse the work for a moment, which is no task's fault."""
    made = []
    began = time.monotonic()

    class Refuses(functions.Here):
        def submit(self, function, /, *arguments, **more):
            if len(made) <= 2 or time.monotonic() < began + 0.2:
                raise ConnectionRefusedError("no server")
            return super().submit(function, *arguments, **more)

    def start() -> Refuses:
        made.append(Refuses())
        return made[-1]

    crew = Crew(start=start, attempts=1)
    found = sweep_designs(functions.sweep_of(), INDICES, MemoryLedger(), crew)
    assert found == undisturbed()
    made.clear()
    for_ever = Crew(start=lambda: made.clear() or start())
    with pytest.raises(CrewError, match="die before they begin: no server"):
        sweep_designs(functions.sweep_of(), INDICES, MemoryLedger(), for_ever)


def test_a_pool_that_cannot_be_made_is_asked_for_again() -> None:
    """What keeps the names of a pool's locks was killed, just when there was to be a new pool."""
    pipes = iter([BrokenPipeError("tracker"), BrokenPipeError("tracker")])

    def start() -> functions.Here:
        for error in pipes:
            raise error
        return functions.Here()

    found = sweep_designs(functions.sweep_of(), INDICES, MemoryLedger(), Crew(start=start))
    assert found == undisturbed()


@pytest.mark.parametrize("number", [0, -1, 5000])
def test_a_number_of_workers_makes_sense(number: int) -> None:
    with pytest.raises(UsageError, match="1 to 1024 workers"):
        LocalPool(number)


def test_a_busy_worker_that_is_asked_to_end_cleans_up_and_ends(tmp_path: Path) -> None:
    pool = LocalPool(1)
    pool.submit(functions.CleansUp(tmp_path), {})
    wait_for((tmp_path / "began").exists)
    (process,) = pool._processes.values()
    pool.stop_now()
    pool.shutdown(wait=False, cancel_futures=True)
    wait_for(lambda: not process.is_alive())
    assert (tmp_path / "cleaned").exists()
    assert not (tmp_path / "caught").exists()
    assert process.exitcode == 128 + signal.SIGTERM


def wait_for(condition) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline, condition
        time.sleep(0.02)

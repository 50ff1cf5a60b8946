"""Sweeps on a real Dask scheduler with worker processes, some of which are killed."""

import os
import signal
from collections.abc import Iterator

import pytest
import sweep_functions as functions
from tilewright.dse import sweep_progress
from tilewright.dse.ledger import MemoryLedger
from tilewright.dse.sweep import sweep_designs

from tilewright.build.cluster import cluster_crew
from tilewright.errors import ToolError

distributed = pytest.importorskip("distributed", reason="Dask's `distributed` is not installed")

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning")
INDICES = range(60)


@pytest.fixture(scope="module")
def cluster() -> Iterator:
    """A scheduler here, and two worker processes of one thread each, each with a guard."""
    import dask

    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 0}),
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0",
            silence_logs=50,
        ) as made,
    ):  # fmt: skip
        yield made


def test_the_result_is_that_of_this_machine(cluster) -> None:
    sweep = functions.sweep_of(functions.raises)
    with cluster_crew(cluster.scheduler_address) as crew:
        assert crew.in_flight == 4
        found = sweep_designs(sweep, INDICES, MemoryLedger(), crew)
    assert found == functions.here(sweep, INDICES)
    assert found.num_failed == 8


def test_workers_killed_from_outside_cost_nothing(cluster, monkeypatch) -> None:
    monkeypatch.setattr(sweep_progress.Meter, "is_due", functions.due_if_wanted)
    sweep = functions.sweep_of(functions.slow)
    ledger = MemoryLedger()
    killed: list[int] = []

    def kill_one(progress) -> None:
        pids = {worker.pid for worker in cluster.workers.values() if worker.pid} - set(killed)
        if len(killed) < 2 and 10 <= progress.done < len(INDICES) and pids:
            killed.append(min(pids))
            os.kill(killed[-1], signal.SIGKILL)

    with cluster_crew(cluster.scheduler_address, attempts=20) as crew:
        found = sweep_designs(sweep, INDICES, ledger, crew, report=kill_one)
    assert killed
    assert len(ledger.records) == len(INDICES)
    assert found == functions.here(functions.sweep_of(), INDICES)


def test_a_design_that_kills_its_worker_is_recorded_as_failed(cluster) -> None:
    sweep = functions.sweep_of(functions.kills_its_worker)
    with cluster_crew(cluster.scheduler_address, attempts=2) as crew:
        found = sweep_designs(sweep, range(42, 46), MemoryLedger(), crew)
    assert [(f.start, f.error) for f in found.failed] == [
        (42, "its worker died 2 times: KilledWorker")
    ]
    assert found.evaluated == 3


def test_an_address_without_a_scheduler_is_told(monkeypatch) -> None:
    from tilewright.build import cluster

    monkeypatch.setattr(cluster, "CONNECT_SECONDS", 1)
    with pytest.raises(ToolError, match="no scheduler answers"), cluster_crew("tcp://127.0.0.1:9"):
        pass

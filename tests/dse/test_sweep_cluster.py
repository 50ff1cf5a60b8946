"""Sweeps on a real Dask scheduler with worker processes, some of which are killed."""

import gc
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
import sweep_functions as functions
from tilewright.dse import sweep_progress
from tilewright.dse.ledger import MemoryLedger
from tilewright.dse.sweep import sweep_designs

from tilewright.build import cluster as cluster_module
from tilewright.build.cluster import check_address, cluster_crew
from tilewright.catalog import load_spec
from tilewright.errors import ToolError, UsageError
from tilewright.flow.sweep.run import SweepOptions, run_sweep

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


@pytest.mark.parametrize(
    ("address", "told"),
    [("tcp://127.0.0.1:9", "no scheduler answers"), ("tls://127.0.0.1:9", "Dask cannot connect")],
)
@pytest.mark.filterwarnings("error::pytest.PytestUnraisableExceptionWarning")
def test_an_address_without_a_scheduler_is_told(address: str, told: str, monkeypatch) -> None:
    """`tls://` needs certificates: what Dask says of it, and no traceback of a destructor."""
    monkeypatch.setattr(cluster_module, "CONNECT_SECONDS", 0.5)
    with pytest.raises(ToolError, match=told), cluster_crew(address):
        pass
    gc.collect()


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("http://x", "begins with one of tcp://, tls://"),
        ("127.0.0.1:8786", "begins with one of tcp://, tls://"),
        ("tcp://", "has a host and a port"),
        ("tcp://host", "has a host and a port"),
        ("tcp://:8786", "has a host and a port"),
        ("tcp://::1:8786", "has a host and a port"),
        ("tcp://host:", "has a port of 1 to 65535"),
        ("tls://host:99999", "has a port of 1 to 65535"),
    ],
)
def test_what_is_no_address_is_told_at_once(address: str, told: str) -> None:
    with pytest.raises(UsageError, match=told), cluster_crew(address):
        pass
    for good in ("tcp://host:1", "tls://10.0.0.1:8786", "tcp://[::1]:65535"):
        check_address(good)


def test_a_sweep_checks_the_address_before_anything_else(tmp_path: Path) -> None:
    spec = load_spec(Path(__file__).parents[2] / "examples" / "sweeps" / "resnet50.yaml")
    with pytest.raises(UsageError, match="--cluster http://x") as caught:
        run_sweep(spec, tmp_path / "out", options=SweepOptions(cluster="http://x"))
    assert caught.value.exit_code == 2
    assert not (tmp_path / "out").exists()


def test_a_scheduler_without_workers_is_waited_for_and_told(monkeypatch) -> None:
    monkeypatch.setattr(cluster_module, "WORKER_SECONDS", 0.3)
    told: list[str] = []
    with (
        distributed.LocalCluster(
            n_workers=0, processes=False, protocol="tcp", dashboard_address=":0", silence_logs=50
        ) as empty,
        pytest.raises(ToolError, match="has no workers, after") as caught,
        cluster_crew(empty.scheduler_address, progress=told.append),
    ):
        pass
    assert told == [f"waiting for workers of {empty.scheduler_address}"]
    assert f"dask worker {empty.scheduler_address}" in caught.value.help

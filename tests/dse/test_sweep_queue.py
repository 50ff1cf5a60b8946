"""Workers as jobs of a queue: dask-jobqueue's `local` queue starts them on this machine."""

import importlib
import importlib.util
import signal
from pathlib import Path

import pytest
import sweep_functions as functions
from tilewright.dse.ledger import MemoryLedger
from tilewright.dse.sweep import sweep_designs

from tilewright.build.cluster import CLUSTERS, _package, queue_crew
from tilewright.errors import ToolError
from tilewright.spec.sweep import QUEUES, SweepQueueSection

NEEDS_JOBQUEUE = pytest.mark.skipif(
    importlib.util.find_spec("dask_jobqueue") is None, reason="dask-jobqueue is not installed"
)
pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning")


@NEEDS_JOBQUEUE
def test_every_queue_of_a_spec_has_its_class_and_ctrl_c_stays_ours() -> None:
    handler = signal.getsignal(signal.SIGINT)
    jobqueue, local = _package("dask_jobqueue", ""), _package("dask_jobqueue.local", "")
    assert signal.getsignal(signal.SIGINT) is handler
    assert set(QUEUES) == set(CLUSTERS)
    for queue, name in CLUSTERS.items():
        assert hasattr(local if queue == "local" else jobqueue, name)


def test_without_the_package_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    original = importlib.import_module

    def absent(name: str):
        if name.startswith("dask_jobqueue"):
            raise ImportError(name)
        return original(name)

    monkeypatch.setattr(importlib, "import_module", absent)
    section = SweepQueueSection.model_validate({"queue": "slurm"})
    with pytest.raises(ToolError, match="need dask-jobqueue") as caught, queue_crew(section):
        pass
    assert "tilewright[cluster]" in caught.value.help


@NEEDS_JOBQUEUE
@pytest.mark.slow
def test_jobs_give_the_result_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))  # for sweep_functions
    section = SweepQueueSection.model_validate({"queue": "local", "memory": "1GiB"})
    sweep = functions.sweep_of(functions.raises)
    with queue_crew(section) as crew:
        found = sweep_designs(sweep, range(20), MemoryLedger(), crew)
    assert found == functions.here(sweep, range(20))

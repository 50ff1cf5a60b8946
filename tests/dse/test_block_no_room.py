"""Layers that do not fit into a scratchpad: which one is told, against tiling each alone."""

from dataclasses import replace

import numpy as np
import pytest
from test_block_estimate import ENGINE, PAD
from tilewright.dse.block_estimate import block_evaluation, ops_of
from tilewright.dse.block_layout import Layout
from tilewright.dse.block_machines import is_none, reader_of
from tilewright.dse.energy.tables import TABLES
from tilewright.dse.sweep_tasks import REFUSED
from tilewright.dse.workloads.layers import Matmul, Workload

from tilewright.catalog import load_spec

SEED = 11
MACHINES = 200


@pytest.fixture(scope="module")
def spec(request):
    return load_spec(request.config.rootpath / "examples" / "digits_mlp.yaml")


def workload_of(rng) -> Workload:
    sizes = rng.integers(1, 2000, (5, 3)).tolist()
    layers = [Matmul(name=f"layer{i}", M=m, K=k, N=n) for i, (m, k, n) in enumerate(sizes)]
    return Workload(name="some", layers=tuple(layers))


def columns_of(rng):
    dataflows = np.array(["output_stationary", "weight_stationary"])
    return {
        f"{ENGINE}rows": rng.choice([2, 4, 8, 16], MACHINES),
        f"{ENGINE}cols": rng.choice([2, 4, 8, 16], MACHINES),
        f"{ENGINE}dataflow": rng.choice(dataflows, MACHINES),
        f"{PAD}capacity": rng.choice([4096, 8192, 16384, 32768], MACHINES),
    }


def test_a_layer_that_is_told_does_not_fit_alone(spec) -> None:
    rng = np.random.default_rng(SEED)
    num_refused = 0
    for _ in range(6):
        workload, columns = workload_of(rng), columns_of(rng)
        evaluation = block_evaluation(workload, spec, [TABLES["horowitz_45nm"]], family="ecp5")
        deepest = max(workload.layers, key=lambda layer: layer.K)
        expected = (
            "accelerator.scratchpad: the layers do not fit; the largest panels are those of "
            f"{deepest.name}, K = {deepest.K:,}"
        )
        reader = reader_of(spec)
        machines = reader.machines(columns, MACHINES)
        good = np.flatnonzero(is_none(machines.refusals))
        refusals = evaluation.many(columns)[REFUSED][good]
        alone = Layout(machines=machines.of(good), ops=ops_of(replace(workload, layers=(deepest,))))
        fits = alone.tiling.is_fitting[alone.tilings.of]
        assert [text is None for text in refusals] == fits.tolist()
        assert set(refusals) <= {None, expected}
        num_refused += int((~fits).sum())
    assert num_refused > MACHINES

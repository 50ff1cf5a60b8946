"""SCALE-Sim's cycles in closed form against its own published and computed tables."""

import csv
from pathlib import Path

import numpy as np
import pytest
from tilewright.dse.peers.scale_sim import DATAFLOWS, ideal_cycles, no_stall_cycles
from tilewright.dse.workloads.scale_sim import parse_topology

TABLE = Path(__file__).resolve().parents[4] / "shared/data/peers/gemmini_rtl_error.csv"

# test/general/golden_trace_*/COMPUTE_REPORT.csv of scalesim-project/SCALE-Sim 3.0.0, 32 x 32:
# total cycles and stalls of topologies/conv_nets/alexnet_part.csv and GEMM_mnk/test_mnk_input.csv.
ALEXNET = (
    "Layer name, IFMAP Height, IFMAP Width, Filter Height, Filter Width, Channels, Num Filter, "
    "Strides,\nConv1, 224, 224, 11, 11, 3, 96, 4,"
)
PRODUCT = "Layer Name, M, N, K,\nTest 1, 256, 128, 256,"
PUBLISHED = [
    (ALEXNET, "weight_stationary", 112_283, 0),
    (PRODUCT, "weight_stationary", 52_447, 41_248),
    (PRODUCT, "output_stationary", 52_447, 42_272),
    (PRODUCT, "input_stationary", 19_984, 5_777),
]

# The tool itself (3.0.0, `InterfaceBandwidth: CALC`) on small products: M, K, N in order.
PRODUCTS = np.array([(1, 1, 1), (17, 5, 33), (64, 100, 48), (1, 77, 200), (50, 129, 3)])
COMPUTED = {
    ("output_stationary", 16, 16): (30, 209, 1559, 1390, 635),
    ("output_stationary", 8, 32): (38, 257, 2207, 804, 1168),
    ("output_stationary", 5, 7): (10, 299, 10009, 2522, 1389),
    ("weight_stationary", 16, 16): (46, 188, 2309, 3054, 863),
    ("weight_stationary", 8, 32): (46, 125, 2859, 3289, 1631),
    ("weight_stationary", 5, 7): (15, 159, 11059, 7423, 1689),
    ("input_stationary", 16, 16): (46, 157, 2631, 1229, 1763),
    ("input_stationary", 8, 32): (46, 78, 2443, 2459, 1665),
    ("input_stationary", 5, 7): (15, 143, 12599, 3439, 3743),
}


@pytest.mark.parametrize(("topology", "dataflow", "cycles", "stalls"), PUBLISHED)
def test_published_reports(topology: str, dataflow: str, cycles: int, stalls: int) -> None:
    product = parse_topology(topology, "x.csv").layers[0].as_matmul()
    found = no_stall_cycles(product.M, product.K, product.N, 32, 32, dataflow)
    assert int(found) == cycles - stalls


@pytest.mark.parametrize(("dataflow", "rows", "cols"), list(COMPUTED))
def test_the_tool_itself(dataflow: str, rows: int, cols: int) -> None:
    m, k, n = PRODUCTS.T
    found = no_stall_cycles(m, k, n, rows, cols, dataflow)
    assert found.tolist() == list(COMPUTED[dataflow, rows, cols])


def test_layers_and_arrays_at_once() -> None:
    m, k, n = PRODUCTS.T[:, :, None]
    rows, cols = np.array([(16, 16), (8, 32), (5, 7)]).T
    for dataflow in DATAFLOWS:
        found = no_stall_cycles(m, k, n, rows, cols, dataflow)
        expected = [COMPUTED[dataflow, r, c] for r, c in zip(rows, cols, strict=True)]
        assert np.array_equal(found, np.transpose(expected))


def test_columns_of_the_published_gemmini_table() -> None:
    """All 222 rows: SCALE-Sim's formula and the ideal beside Gemmini's cycles."""
    if not TABLE.exists():
        pytest.skip("the table of published cycles is not here")
    with TABLE.open(newline="") as file:
        rows = list(csv.DictReader(file))
    of = {name: np.array([int(float(row[name])) for row in rows]) for name in rows[0]}
    m = of["prob.N"] * of["prob.P"] * of["prob.Q"]
    k = of["prob.C"] * of["prob.R"] * of["prob.S"]
    found = no_stall_cycles(m, k, of["prob.K"], 16, 16, "weight_stationary")
    assert len(rows) == 222
    assert np.array_equal(found, of["scalesim_ws"])
    assert np.array_equal(ideal_cycles(m, k, of["prob.K"], 16, 16), of["ideal_ws"])


def test_wrong_arguments() -> None:
    with pytest.raises(ValueError, match="dataflow must be one of"):
        no_stall_cycles(1, 1, 1, 1, 1, "row_stationary")
    with pytest.raises(ValueError, match="extents must be 1 or more"):
        no_stall_cycles([4, 0], 1, 1, 1, 1, "output_stationary")

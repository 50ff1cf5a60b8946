"""docs/workloads.md, docs/peers.md, docs/energy-tables.md: their tables and examples are what the
code says."""

import re
from pathlib import Path

import numpy as np
import pytest
from tilewright.dse.energy.tables import TABLES
from tilewright.dse.peers import gemmini_fit
from tilewright.dse.peers.gemmini import FITTED, mean_error
from tilewright.dse.workloads.listed import parse_list
from tilewright.dse.workloads.read import library_names, library_workload
from tilewright.dse.workloads.scale_sim import parse_topology

from tilewright.spec.diagnostics import SpecError

ROOT = Path(__file__).resolve().parents[1]
WORKLOADS, PEERS, ENERGY = (
    (ROOT / "docs" / f"{name}.md").read_text(encoding="utf-8")
    for name in ("workloads", "peers", "energy-tables")
)
MEASURED = ROOT.parent / "shared/data/peers/gemmini_rtl_error.csv"
TOPOLOGY = (
    "Layer name, IFMAP Height, IFMAP Width, Filter Height, Filter Width, Channels, Num Filter, "
    "Strides,\nA, 1, B, 1, 1, 4, 8, 1,\nFC, 1, 1, 1, ,4, 2, 1,\n"
)


def test_the_library() -> None:
    rows = re.findall(r"^\| `(\w+)` \| ([\d,]+) \| ([\d,]+) \|", WORKLOADS, re.M)
    expected = [
        (name, f"{library_workload(name).macs:,}", f"{library_workload(name).weights:,}")
        for name in library_names()
    ]
    assert rows == expected


def test_the_list_that_is_shown() -> None:
    shown = re.search(r"```yaml\n(.*?)```", WORKLOADS, re.S)
    assert shown is not None
    assert len(parse_list(shown[1], "x.yaml").layers) == 2


def test_the_messages_that_are_shown() -> None:
    shown = re.search(r"```\n(lstm\.csv.*?)```", WORKLOADS, re.S)
    assert shown is not None
    with pytest.raises(SpecError) as caught:
        parse_topology(TOPOLOGY, "lstm.csv")
    assert str(caught.value) + "\n" == shown[1]


def test_the_fitted_times() -> None:
    shown = re.findall(r"^\| [^|]+ \| ([\d.]+) \|$", PEERS, re.M)
    assert [float(time) for time in shown] == [
        FITTED.request,
        FITTED.llc,
        FITTED.dram,
        FITTED.candidate,
    ]


def test_the_errors_of_the_models() -> None:
    if not MEASURED.exists():
        pytest.skip("the table of published cycles is not here")
    rows = gemmini_fit.read_measured(MEASURED)
    half = gemmini_fit.training_half(rows, seed=1)
    fitted = [row for row in rows if row.layer in half]
    others = [row for row in rows if row.layer not in half]
    own = [row.cycles for row in rows]
    errors = (
        mean_error([row.ideal for row in rows], own),
        mean_error([row.scale_sim for row in rows], own),
        mean_error([row.timeloop for row in rows], [row.mapped_cycles for row in rows]),
        *(gemmini_fit.errors(some, FITTED) for some in (rows, fitted, others)),
    )
    shown = re.findall(r"\| ([\d.]+) % \|$", PEERS, re.M)
    assert shown == [f"{100 * error:.1f}" for error in errors]
    assert f"{len(fitted)} rows of the {len(half)} layers" in PEERS
    off = np.abs(np.array(gemmini_fit.predicted(rows, FITTED)) / own - 1)
    within = [f"{100 * share:.1f} %" for share in np.quantile(off, (0.5, 0.9))]
    assert f"Half of the rows are within {within[0]}, nine of ten within {within[1]};" in PEERS
    of_layer = {row.layer: [r.cycles for r in rows if r.layer == row.layer] for row in rows}
    medians = [float(np.median(of_layer[row.layer])) for row in rows]
    assert f"has itself {100 * mean_error(medians, own):.1f} % mean error" in PEERS


def test_the_energy_tables() -> None:
    rows = re.findall(
        r"^\| `(\w+)` \| ([^|]+) \| [^|]+ \| ([\d.]+) \| ([\d.]+) \| ([\d.]+)", ENERGY, re.M
    )
    expected = [
        (
            table.name,
            table.unit,
            f"{float(table.mac_energy(8, 8, 32)):.3f}",
            f"{float(table.sram_read(16 * 1024)):.3f}",
            f"{table.dram[1]:.1f}",
        )
        for table in TABLES.values()
    ]
    assert rows == expected

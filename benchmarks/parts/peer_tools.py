"""SCALE-Sim and ZigZag in an environment of their own, and their cycles of matrix products.

They are installed by pip into a folder, once: SCALE-Sim 3.0.0 fails with numpy 2.4, ZigZag 3.9.1
needs `six` without saying so.
"""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from tilewright.build.process import Limits, run

PACKAGES = ("scalesim==3.0.0", "zigzag-dse==3.9.1", "six", "numpy<2.4")
INSTALL_SECONDS, RUN_SECONDS = 1800.0, 600.0
ZIGZAG_SCRIPT = Path(__file__).with_name("zigzag_layers.py")
SCALE_SIM_DATAFLOWS = {"output_stationary": "os", "weight_stationary": "ws"}
LAYOUT_COLUMNS = 20

Product = tuple[int, int, int]

CONFIG = """[general]
run_name = cycles
[architecture_presets]
ArrayHeight = {rows}
ArrayWidth = {cols}
IfmapSramSzkB = 256
FilterSramSzkB = 256
OfmapSramSzkB = 256
IfmapOffset = 0
FilterOffset = 10000000
OfmapOffset = 20000000
Bandwidth = 16
Dataflow = {dataflow}
MemoryBanks = 1
ReadRequestBuffer = 64
WriteRequestBuffer = 64
[layout]
IfmapCustomLayout = False
IfmapSRAMBankBandwidth = 16
IfmapSRAMBankNum = 8
IfmapSRAMBankPort = 2
FilterCustomLayout = False
FilterSRAMBankBandwidth = 16
FilterSRAMBankNum = 8
FilterSRAMBankPort = 2
[sparsity]
SparsitySupport = false
[run_presets]
InterfaceBandwidth = CALC
UseRamulatorTrace = False
"""


def install(folder: Path) -> Path:
    """The environment's Python. Raises `ProcessError` where it cannot be made."""
    python = folder / "environment" / "bin" / "python"
    if not python.exists():
        folder.mkdir(parents=True, exist_ok=True)
        limits = Limits(wall_seconds=INSTALL_SECONDS)
        run([sys.executable, "-m", "venv", "environment"], cwd=folder, limits=limits)
        pip = [str(python.absolute()), "-m", "pip", "install", "--quiet", *PACKAGES]
        run(pip, cwd=folder, limits=limits, log_path=folder / "install.log")
    return python.absolute()


def scale_sim_cycles(
    folder: Path, python: Path, products: Sequence[Product], *, rows: int, cols: int, dataflow: str
) -> list[int]:
    """`Total Cycles` of SCALE-Sim without memory stalls (`CALC`)."""
    names = [f"l{number}" for number in range(len(products))]
    text = CONFIG.format(rows=rows, cols=cols, dataflow=SCALE_SIM_DATAFLOWS[dataflow])
    (folder / "scale.cfg").write_text(text)
    lines = [f"{n}, {M}, {N}, {K}," for n, (M, K, N) in zip(names, products, strict=True)]
    (folder / "topology.csv").write_text("\n".join(["Layer, M, N, K,", *lines, ""]))
    ones = ",".join("1" * LAYOUT_COLUMNS)
    (folder / "layout.csv").write_text("\n".join(["Layer,", *(f"{n},{ones}," for n in names), ""]))
    command = [str(python), "-m", "scalesim.scale", "-t", "topology.csv", "-l", "layout.csv", "-c",
               "scale.cfg", "-p", "results", "-i", "gemm", "-s", "N"]  # fmt: skip
    run(command, cwd=folder, limits=Limits(wall_seconds=RUN_SECONDS))
    with (folder / "results" / "cycles" / "COMPUTE_REPORT.csv").open(newline="") as file:
        reader = csv.DictReader(file, skipinitialspace=True)
        return [int(float(line["Total Cycles"])) for line in reader]


def zigzag_cycles(
    folder: Path, python: Path, products: Sequence[Product], *, rows: int, cols: int
) -> list[int]:
    """The latency of ZigZag's best mapping on its TPU-like machine (weight stationary)."""
    asked = {"rows": rows, "cols": cols, "products": [list(product) for product in products]}
    (folder / "products.json").write_text(json.dumps(asked))
    command = [str(python), str(ZIGZAG_SCRIPT), "products.json", "cycles.json"]
    run(command, cwd=folder, limits=Limits(wall_seconds=RUN_SECONDS))
    return [round(cycles) for cycles in json.loads((folder / "cycles.json").read_text())]

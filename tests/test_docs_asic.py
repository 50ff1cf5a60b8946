"""docs/asic.md: its command runs and shows what the page shows; its file of areas; its figures."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tilewright.build.synth.asic import LEAST_MEMORY_BITS, synthesise_asic
from tilewright.build.synth.liberty import MAX_FILE_BYTES
from tilewright.build.synth.memory_areas import parse_memory_areas
from tilewright.catalog import load_spec
from tilewright.flow.synth import design_verilog

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "docs" / "asic.md").read_text(encoding="utf-8")
DATA = Path(os.environ.get("TILEWRIGHT_DATA", ROOT.parent / "shared" / "data")) / "liberty"
SG13G2 = DATA / "sg13g2_stdcell_typ_1p20V_25C.lib.gz"


@pytest.fixture(autouse=True)
def yosys() -> None:
    pytest.importorskip("pyosys", reason="no yosys: pip install 'tilewright[synth]'")


def test_the_example(tmp_path: Path) -> None:
    (block,) = re.findall(r"```console\n\$ (.*?)```", PAGE, re.DOTALL)
    command, *shown = block.splitlines()
    words = shlex.split(command.replace("examples/", f"{ROOT}/examples/"))
    done = subprocess.run(
        [sys.executable, "-m", "tilewright", *words[1:]], cwd=tmp_path, capture_output=True,
        text=True, check=False, timeout=300, env={**os.environ, "COLUMNS": "100"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    rest = iter(done.stdout.splitlines())
    for line in shown:
        assert line == "..." or any(line == got for got in rest), f"{line}\n{done.stdout}"
    folder = tmp_path / "out" / "one_pe_synth" / "asic"
    assert {"synth.json", "logs", "synth"} <= {path.name for path in folder.iterdir()}


def test_the_file_of_areas() -> None:
    (text,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    areas = parse_memory_areas(text, "asic.md")
    assert [entry.text for entry in areas.entries] == ["512 x 128", "my_design_scratchpad_bank"]


def test_limits_of_the_page() -> None:
    assert f"at least {LEAST_MEMORY_BITS:,} bits" in PAGE
    assert f"above {MAX_FILE_BYTES >> 20} MiB" in PAGE


def test_figures_of_a_pe(tmp_path: Path) -> None:
    if not SG13G2.is_file():
        pytest.skip(f"no {SG13G2.name} (IHP-Open-PDK, Apache-2.0)")
    (row,) = re.findall(r"\| PE \| ([\d,]+) \| (\d+) \| ([\d.]+) ns \| ([\d.]+) ns \|", PAGE)
    whole = design_verilog(load_spec(ROOT / "examples" / "kernels" / "matmul_8x8.yaml"))
    (text,) = re.findall(r"(?s)(module matmul_8x8_pe\(.*?endmodule\n)", whole)
    source = tmp_path / "pe.v"
    source.write_text(text)
    result = synthesise_asic(
        source, "matmul_8x8_pe", tmp_path / "out", liberty=SG13G2, freq_hz=1 / 4.5e-9
    )
    assert result.cell_area == pytest.approx(float(row[0].replace(",", "")), rel=0.03)
    assert result.num_flip_flops == int(row[1])
    assert result.paths[0].seconds * 1e9 == pytest.approx(float(row[2]), rel=0.1)
    if len(result.paths) == 2:
        assert result.paths[1].seconds * 1e9 == pytest.approx(float(row[3]), rel=0.1)
    # What such a PE is known to take, or better: 10,400 um2 and 4.5 ns.
    assert result.cell_area <= 10_400 and max(path.seconds for path in result.paths) <= 4.5e-9

"""The little cell library of the examples, and the public one that the real figures are for."""

import hashlib
import os
import shutil
from pathlib import Path

import pytest

from tilewright.build.synth.liberty import liberty_text

ROOT = Path(__file__).resolve().parents[4]
DATA = Path(os.environ.get("TILEWRIGHT_DATA", ROOT.parent / "shared" / "data")) / "liberty"
SG13G2 = DATA / "sg13g2_stdcell_typ_1p20V_25C.lib.gz"
SG13G2_SHA256 = "029e23cf8fa07dbcd65f9c87be9d6cc05401e16560e116d8f4e4ceaa529963f5"
ORIGIN = (
    f"no {SG13G2.name}: it is ihp-sg13g2/libs.ref/sg13g2_stdcell/lib of IHP-Open-PDK (Apache-2.0), "
    f"gzipped, sha256 {SG13G2_SHA256}"
)

LITTLE = ROOT / "examples" / "asic" / "little.lib"


MODELS = """
module INV(input A, output Y); assign Y = !A; endmodule
module BUF(input A, output Y); assign Y = A; endmodule
module NAND2(input A, input B, output Y); assign Y = !(A & B); endmodule
module NOR2(input A, input B, output Y); assign Y = !(A | B); endmodule
module XOR2(input A, input B, output Y); assign Y = A ^ B; endmodule
module ONE(output Y); assign Y = 1'b1; endmodule
module ZERO(output Y); assign Y = 1'b0; endmodule
module DFF(input CK, input D, output reg Q); always @(posedge CK) Q <= D; endmodule
"""


@pytest.fixture
def models() -> str:
    """The little library's cells in Verilog, written by hand."""
    return MODELS


@pytest.fixture
def little() -> str:
    """The text of the little library: eight cells with areas of small whole numbers."""
    return LITTLE.read_text()


@pytest.fixture
def little_file(tmp_path: Path) -> Path:
    """The little library as a file."""
    path = tmp_path / "little.lib"
    path.write_text(LITTLE.read_text())
    return path


@pytest.fixture(scope="session")
def sg13g2() -> Path:
    """The public library, in the one version that the figures are for."""
    if not SG13G2.is_file():
        pytest.skip(ORIGIN)
    assert hashlib.sha256(SG13G2.read_bytes()).hexdigest() == SG13G2_SHA256, ORIGIN
    assert liberty_text(SG13G2)
    return SG13G2


@pytest.fixture
def yosys() -> None:
    """Skips where yosys is not installed."""
    pytest.importorskip("pyosys", reason="no yosys: pip install 'tilewright[synth]'")


@pytest.fixture
def without_sta(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a machine without OpenSTA."""
    found = shutil.which
    monkeypatch.setattr(
        shutil, "which", lambda name, *a, **k: None if name == "sta" else found(name)
    )

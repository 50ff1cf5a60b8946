"""A little cell library of our own, and the public one that the real figures are for."""

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

HEAD = """\
/* A library of eight cells; areas are small whole numbers, so that sums are done by hand. */
library (little) {
  delay_model : table_lookup;
  time_unit : "1ns";
  capacitive_load_unit (1, pf);
  voltage_unit : "1V";
  current_unit : "1uA";
  lu_table_template (two) {
    variable_1 : input_net_transition;
    variable_2 : total_output_net_capacitance;
    index_1 ("0.01, 1.0");
    index_2 ("0.001, 1.0");
  }
"""
ARC = """\
      timing () {{
        related_pin : "{pin}"; timing_sense : {sense};{kind}
        cell_rise (two) {{ values ("{low}, {high}", "{low}, {high}"); }}
        cell_fall (two) {{ values ("{low}, {high}", "{low}, {high}"); }}
        rise_transition (two) {{ values ("0.05, 0.5", "0.05, 0.5"); }}
        fall_transition (two) {{ values ("0.05, 0.5", "0.05, 0.5"); }}
      }}
"""
GATES = {
    # name: area, pins, function, sense
    "INV": (2, "A", "!A", "negative_unate"),
    "BUF": (3, "A", "A", "positive_unate"),
    "NAND2": (4, "AB", "!(A & B)", "negative_unate"),
    "NOR2": (4, "AB", "!(A | B)", "negative_unate"),
    "XOR2": (9, "AB", "(A ^ B)", "non_unate"),
}
FLIP_FLOP = """\
  cell (DFF) {{
    area : 20;
    ff (IQ, IQN) {{ next_state : "D"; clocked_on : "CK"; }}
    pin (D) {{
      direction : input; capacitance : 0.002;
      timing () {{
        related_pin : "CK"; timing_type : setup_rising;
        rise_constraint (two) {{ values ("0.1, 0.1", "0.1, 0.1"); }}
        fall_constraint (two) {{ values ("0.1, 0.1", "0.1, 0.1"); }}
      }}
    }}
    pin (CK) {{ direction : input; clock : true; capacitance : 0.003; }}
    pin (Q) {{
      direction : output; function : "IQ";
{arc}    }}
  }}
"""
TIE = '  cell ({name}) {{ area : 1; pin (Y) {{ direction : output; function : "{value}"; }} }}\n'


def gate(name: str, area: float, pins: str, function: str, sense: str) -> str:
    arcs = "".join(ARC.format(pin=p, sense=sense, kind="", low="0.1", high="1.0") for p in pins)
    inputs = "".join(f"    pin ({p}) {{ direction : input; capacitance : 0.002; }}\n" for p in pins)
    output = f'    pin (Y) {{\n      direction : output; function : "{function}";\n{arcs}    }}\n'
    return f"  cell ({name}) {{\n    area : {area};\n{inputs}{output}  }}\n"


def little_library() -> str:
    """The text of the library."""
    clock = ARC.format(
        pin="CK", sense="non_unate", kind=" timing_type : rising_edge;", low="0.2", high="1.0"
    )
    cells = [gate(name, *parts) for name, parts in GATES.items()]
    cells += [FLIP_FLOP.format(arc=clock)]
    cells += [TIE.format(name=name, value=value) for name, value in (("ONE", 1), ("ZERO", 0))]
    return HEAD + "".join(cells) + "}\n"


@pytest.fixture
def little() -> str:
    """The text of the little library."""
    return little_library()


@pytest.fixture
def little_file(tmp_path: Path) -> Path:
    """The little library as a file."""
    path = tmp_path / "little.lib"
    path.write_text(little_library())
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
def without_sta(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a machine without OpenSTA."""
    found = shutil.which
    monkeypatch.setattr(
        shutil, "which", lambda name, *a, **k: None if name == "sta" else found(name)
    )

"""docs/sparse-files.md: the messages that it shows, its options, what it says of the folder."""

import json
import re
from pathlib import Path

import pytest

from tilewright import cli
from tilewright.commands.parser import build_parser

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "docs" / "sparse-files.md").read_text(encoding="utf-8")
KERNELS, MATRICES = ROOT / "examples" / "kernels", ROOT / "examples" / "matrices"
BLOCK = re.compile(r"^```console\n\$ [^\n]+\n(.*?)^\$ ", re.MULTILINE | re.DOTALL)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")


def test_the_messages_that_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    lines = [
        "%%MatrixMarket matrix coordinate integer general",
        "2 2 3",
        "1 1 5",
        "1 3 7",
        "2 2 300",
    ]
    Path("bad.mtx").write_text("\n".join([*lines, ""]))
    assert cli.main(["pack", "bad.mtx", "--for", str(KERNELS / "spmm_static.yaml")]) == 2
    shown = re.search(r"^```\n(bad\.mtx.*?)^```", PAGE, re.M | re.S)
    assert shown is not None
    assert capsys.readouterr().err == shown[1]


def test_the_table_that_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    spec, matrix = KERNELS / "sddmm_lanes.yaml", MATRICES / "mask_16x24.smtx"
    assert cli.main(["pack", str(matrix), "--for", str(spec)]) == 0
    shown = BLOCK.search(PAGE)
    assert shown is not None
    assert capsys.readouterr().out == shown[1]


def test_every_option_has_its_row() -> None:
    told = {word for row in re.findall(r"^\| `(--\w+)", PAGE, re.M) for word in [row]}
    verbs = build_parser()._subparsers._group_actions[0].choices  # type: ignore[union-attr, index]
    own = {
        option
        for action in verbs["pack"]._actions
        for option in action.option_strings
        if option.startswith("--")
    }
    assert told == own - {"--help", "--quiet", "--verbose", "--no-color"}


@pytest.mark.parametrize(
    ("matrix", "spec", "keys"),
    [
        ("mask_16x24.smtx", "sddmm_lanes", {"bank", "address", "query_rows"}),
        ("arrow_12.mtx", "spmm_static", {"first", "banks", "slots"}),
    ],
)
def test_what_the_folder_says(matrix: str, spec: str, keys: set[str]) -> None:
    where = KERNELS / f"{spec}.yaml"
    assert cli.main(["pack", str(MATRICES / matrix), "--for", str(where), "--out", "x"]) == 0
    told = json.loads(Path("x/pack.json").read_text())
    assert keys <= told["placement"].keys()
    assert all(f"`{key}" in PAGE for key in keys)
    bits = told["streams"]["a"]["bits"]
    words = [int(line, 16) for line in Path("x/a.hex").read_text().split()]
    assert [word >> (bits - 1) for word in words] == [0] * (len(words) - 1) + [1]

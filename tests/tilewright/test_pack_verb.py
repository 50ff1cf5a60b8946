"""`tilewright pack`, from the command line to the words and what is said of them."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tilewright.dataflow.sparse.read import read_matrix
from tilewright.hw.sddmm import mapping
from tilewright.hw.sddmm.schedule import schedule_mask

import tilewright
from tilewright import cli
from tilewright.build.files import verify_directory
from tilewright.catalog import load_spec
from tilewright.flow import sddmm_cases, spmm_cases
from tilewright.flow.packed import histogram
from tilewright.flow.spmm_work import Matrices
from tilewright.spec import SpecError
from tilewright.spec.diagnostics import columns

SEED = 23
SPMM = "tilewright: 1\nname: product\nkernel: {template: spmm, lanes: 4, columns: 4, %s}\n"
SDDMM = "tilewright: 1\nname: scores\nkernel: {template: sddmm, lanes: 4, depth: 16, %s}\n"
MORE = "max_rows: 64"
MATRIX = "%%MatrixMarket matrix coordinate integer general\n"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A random 20 x 30 matrix and two specs."""
    monkeypatch.chdir(tmp_path)
    random = np.random.default_rng(SEED)
    places = np.argwhere(random.random((20, 30)) < 0.3) + 1
    lines = [f"{r} {c} {random.integers(-128, 128)}" for r, c in places.tolist()]
    Path("m.mtx").write_text(MATRIX + "\n".join([f"20 30 {len(lines)}", *lines, ""]))
    Path("spmm.yaml").write_text(SPMM % MORE)
    Path("sddmm.yaml").write_text(SDDMM % MORE)
    return tmp_path


def packed_json(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    assert cli.main(["pack", *arguments, "--json"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    data: dict[str, Any] = json.loads(out)
    assert data["ok"] is True
    return data


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """The messages; nothing is written."""
    before = sorted(Path().rglob("*"))
    assert cli.main(["pack", *arguments]) == 2
    out, err = capsys.readouterr()
    assert out == "" and "Traceback" not in err
    assert sorted(Path().rglob("*")) == before
    return err


def words_of(file: str) -> list[int]:
    return [int(line, 16) for line in Path(file).read_text().split()]


def test_the_words_of_a_mask_are_those_that_verify_plays(capsys):
    data = packed_json(capsys, "m.mtx", "--for", "sddmm.yaml", "--depth", "10")
    params = sddmm_cases.params_of(load_spec("sddmm.yaml").kernel)
    mask = read_matrix("m.mtx", has_values=False)
    queries, keys = (np.ones((side, 10), np.int64) for side in (mask.rows, mask.columns))
    packet = sddmm_cases.Packet(
        pointers=mask.pointers, columns=mask.indices, queries=queries, keys=keys
    )
    assert words_of("out/scores_pack/a.hex") == list(
        sddmm_cases.work(params, "same", [packet]).inputs["a"]
    )
    told = json.loads(Path("out/scores_pack/pack.json").read_text())
    assert told["placement"]["chunks"] == 2
    csr = mask.pointers, mask.indices
    schedule = schedule_mask(params, *csr, num_columns=mask.columns, depth=10)
    assert told["placement"]["bank"] == schedule.placement.bank.tolist()
    assert data["occupancy"] == mask.num_entries * 10 / (4 * 8 * data["cycles"])
    assert sum(data["lane_loads"]) == mask.num_entries
    reads = mapping.packet_work(params, schedule, key_words=1).places
    assert sum(data["bank_loads"]) <= sum(place >= 0 for slot in reads for place in slot)
    verify_directory(Path("out/scores_pack"))


def test_whole_rows(capsys):
    data = packed_json(capsys, "m.mtx", "--for", "sddmm.yaml", "--split", "rows")
    told = json.loads(Path("out/scores_pack/pack.json").read_text())["placement"]["lane_rows"]
    mask = read_matrix("m.mtx", has_values=False)
    filled = np.flatnonzero(np.diff(mask.pointers)).tolist()
    assert sorted(row for lane in told for row in lane) == filled
    assert data["lane_loads"] == [
        int(sum(mask.pointers[row + 1] - mask.pointers[row] for row in lane)) for lane in told
    ]


@pytest.mark.parametrize("mode", ["static", "dynamic", "broadcast"])
def test_the_words_of_a_product_are_those_that_verify_plays(mode, capsys):
    Path("mode.yaml").write_text(SPMM % f"mode: {mode}, {MORE}")
    data = packed_json(capsys, "m.mtx", "--for", "mode.yaml", "--columns", "9", "--out", "x")
    params = spmm_cases.params_of(load_spec("mode.yaml").kernel)
    matrix = read_matrix("m.mtx")
    matrices = Matrices(
        name="same",
        num_rows=matrix.rows,
        rows=matrix.rows_of_entries,
        columns=matrix.indices,
        values=matrix.values.reshape(-1, 1),
        b=np.ones((matrix.columns, 9), np.int64),
    )
    played = spmm_cases.work(params, [matrices])
    for stream, told in data["streams"].items():
        words = words_of(f"x/{told['file']}")
        assert words == list(played.inputs[stream])
        assert len(words) == told["words"]
    assert 0 < data["cycles"] < played.cycles  # that loads B first
    reads = data["bank_loads"] if mode != "broadcast" else data["bank_loads"][:1]
    assert sum(reads) == matrix.num_entries
    assert data["passes"] == (1 if mode == "broadcast" else 3)


def test_the_table_says_what_is_known(capsys):
    assert cli.main(["pack", "m.mtx", "--for", "spmm.yaml"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    rows = dict(re.findall(r"^  (\w[\w ]*?)  +(.+)$", out, re.MULTILINE))
    assert out.startswith("m.mtx: packed for product (spmm)\n")
    assert rows["matrix"].startswith("20 x 30, ")
    assert rows["values"] == "of the file, as int8"
    assert re.fullmatch(
        r"[\d,]+ from the first word of the schedule, 16 passes of \d+", rows["cycles"]
    )
    assert re.fullmatch(r"least \d+, mean [\d.]+, most \d+", rows["lane loads"])
    assert {"unit", "schedule", "occupancy", "bank loads", "replicated", "window", "limit"} <= set(
        rows
    )
    assert all(columns(line) <= 100 for line in out.splitlines())


def test_a_pattern_gets_random_values_from_the_seed(capsys):
    Path("p.smtx").write_text("2, 3, 3\n0 2 3\n0 2 1\n")
    texts = []
    for seed in ("1", "1", "2"):
        data = packed_json(capsys, "p.smtx", "--for", "spmm.yaml", "--seed", seed)
        assert data["matrix"]["values"] == f"random int8 but 0, seed {seed}"
        texts.append(Path("out/product_pack/a.hex").read_bytes())
    assert texts[0] == texts[1] != texts[2]


def test_real_values_may_be_replaced(capsys):
    Path("r.mtx").write_text(MATRIX.replace("integer", "real") + "1 1 1\n1 1 0.5\n")
    assert "must be a whole number, got 0.5" in refused(capsys, "r.mtx", "--for", "spmm.yaml")
    packed_json(capsys, "r.mtx", "--for", "spmm.yaml", "--values", "random")
    packed_json(capsys, "r.mtx", "--for", "sddmm.yaml")


@pytest.mark.parametrize("spec", ["spmm.yaml", "sddmm.yaml"])
@pytest.mark.parametrize("size", ["3 0", "0 3", "5 5"])
def test_matrices_without_entries(spec, size, capsys):
    Path("e.mtx").write_text(f"{MATRIX}{size} 0\n")
    data = packed_json(capsys, "e.mtx", "--for", spec)
    assert data["limit"] == "nothing: there is no work"
    assert (data["occupancy"], data["streams"]["a"]["words"]) == (0.0, 1)


def test_blocks_join_rows_and_add_what_stands_at_one_place(capsys):
    Path("blocks.yaml").write_text(SPMM % f"block_rows: 2, {MORE}")
    Path("b.mtx").write_text(f"{MATRIX}3 4 4\n1 1 100\n2 1 5\n3 4 7\n1 1 20\n")
    data = packed_json(capsys, "b.mtx", "--for", "blocks.yaml")
    assert sum(data["lane_loads"]) == 2
    Path("b.mtx").write_text(f"{MATRIX}3 4 2\n1 1 100\n1 1 28\n")
    told = refused(capsys, "b.mtx", "--for", "blocks.yaml")
    assert "blocks.yaml: error: kernel.a: values 0..128 in blocks" in told


REFUSED = {
    "max_rows": (SPMM % "max_rows: 19", (), "kernel.max_rows: 20 rows, at most 19"),
    "bank_words": (
        SPMM % "banks: 2, bank_words: 16",
        (),
        "kernel.bank_words: 30 rows of 16 panels",
    ),
    "panels": (SPMM % "bank_words: 15", (), "kernel.bank_words: a row of 16 panels"),
    "max_panels": (SPMM % "max_panels: 15", (), "kernel.max_panels: 16 panels of columns, at"),
    "dynamic": (SPMM % "mode: dynamic, bank_words: 16", (), "kernel.bank_words: 30 rows of 16"),
    "broadcast": (SPMM % "mode: broadcast, bank_words: 9", (), "kernel.bank_words: 30 rows of 4"),
    "width": (SPMM % "a: int4", (), "must be from -8 to 7, as int4 holds, got "),
    "mask rows": (SDDMM % "max_rows: 19", (), "kernel.max_rows: 20 rows, at most 19"),
    "keys": (SDDMM % "banks: 2, bank_words: 28", (), "kernel.bank_words: 30 rows of K of 2 words"),
    "depth": (SDDMM % MORE, ("--depth", "17"), "kernel.depth: 1..16, got 17"),
    "depth of spmm": (SPMM % MORE, ("--depth", "4"), "--depth: has no effect with template spmm"),
    "split of spmm": (SPMM % MORE, ("--split", "rows"), "--split: has no effect with template"),
    "split of rows": (
        SDDMM % "output: rows",
        ("--split", "rows"),
        "kernel.output: must be lanes for a split by rows, got rows",
    ),
    "useless": (
        SDDMM % MORE,
        ("--columns", "4", "--values", "random"),
        "--values: has no effect with template sddmm",
    ),
    "template": (
        "tilewright: 1\nname: x\nkernel: {template: systolic, rows: 2, cols: 2}\n",
        (),
        "kernel.template: must be of a template that takes sparse matrices: sddmm or spmm",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_does_not_fit_is_told_and_nothing_is_written(case, capsys):
    spec, options, message = REFUSED[case]
    Path("spec.yaml").write_text(spec)
    assert message in refused(capsys, "m.mtx", "--for", "spec.yaml", *options)


def test_mistakes_of_both_files_come_at_once(capsys):
    Path("spec.yaml").write_text(SDDMM % "window: 3")
    Path("bad.mtx").write_text(f"{MATRIX}2 2 1\n3 1 1\n")
    told = refused(capsys, "bad.mtx", "--for", "spec.yaml")
    assert "spec.yaml:3:" in told and "kernel.window" in told
    assert "bad.mtx:3:1: error: entry 1, row: must be a whole number from 1 to 2, got 3" in told


@pytest.mark.parametrize(
    "arguments", [("--columns", "0"), ("--columns", "x"), ("--seed", "-1"), ("--values", "no")]
)
def test_options_are_checked(arguments, capsys):
    with pytest.raises(SystemExit) as caught:
        cli.main(["pack", "m.mtx", "--for", "spmm.yaml", *arguments])
    assert caught.value.code == 2
    assert arguments[0] in capsys.readouterr().err


def test_a_folder_of_somebody_else_is_left_alone(capsys):
    Path("mine").mkdir()
    Path("mine/file").write_text("mine")
    assert cli.main(["pack", "m.mtx", "--for", "spmm.yaml", "--out", "mine"]) != 0
    assert [p.name for p in Path("mine").iterdir()] == ["file"]


def test_the_python_call():
    options = tilewright.PackOptions(columns=8)
    result = tilewright.pack_file("m.mtx", "spmm.yaml", "there", options=options)
    assert result.files == (Path("there/pack.json"), Path("there/a.hex"))
    assert all(file.is_file() for file in result.files)
    with pytest.raises(SpecError):
        tilewright.pack_file("absent.mtx", "spmm.yaml", "there")


def test_the_same_input_gives_the_same_bytes(capsys):
    for out in ("one", "two"):
        packed_json(capsys, "m.mtx", "--for", "sddmm.yaml", "--out", out)
    for name in ("a.hex", "pack.json", "manifest.json"):
        assert Path("one", name).read_bytes() == Path("two", name).read_bytes()


def test_histograms():
    assert histogram([3, 3, 4], "lanes") == ["3: 2", "4: 1 lanes"]
    assert histogram([0, 1, 7, 80], "banks") == ["0-10: 3", "77-87: 1 banks"]
    assert histogram([5], "banks") == ["5: 1 banks"]

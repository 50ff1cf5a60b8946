"""Graphs, budgets and options that `tilewright plan` refuses."""

import json
from pathlib import Path
from typing import Any

import pytest

from tilewright import cli

BAD = {
    "made by no operator and twice": (lambda g: g["ops"][1].update(outputs=[0]), "made twice"),
    "an unknown tensor": (lambda g: g["ops"][1].update(inputs=[77]), "there is no tensor 77"),
    "a cycle": (lambda g: g["ops"][0].update(inputs=[4]), "operators form a cycle"),
    "no bytes": (lambda g: g["tensors"][0].update(bytes=0), "tensors[0].bytes"),
    "negative bytes": (lambda g: g["tensors"][2].update(bytes=-5), "tensors[2].bytes"),
    "half a byte": (lambda g: g["tensors"][0].update(bytes=1.5), "tensors[0].bytes"),
    "a truth for a size": (lambda g: g["tensors"][0].update(bytes=True), "tensors[0].bytes"),
    "too many bytes": (lambda g: g["tensors"][0].update(bytes=10**30), "tensors[0].bytes"),
    "no operators": (lambda g: g.update(ops=[]), "ops"),
    "an id twice": (lambda g: g["tensors"][0].update(id=1), "id 1 is used 2 times"),
    "weights below zero": (lambda g: g["ops"][0].update(weight_bytes=-1), "ops[0].weight_bytes"),
    "a name that is no text": (lambda g: g["ops"][0].update(name=7), "ops[0].name"),
}


@pytest.mark.parametrize("fault", BAD)
@pytest.mark.parametrize("as_json", [False, True])
def test_bad_graphs_are_told_and_nothing_is_written(
    graph: Path, capsys: pytest.CaptureFixture[str], fault: str, as_json: bool, skip_graph: Any
) -> None:
    change, told = BAD[fault]
    content = skip_graph()
    change(content)
    graph.write_text(json.dumps(content))
    flag = ["--json"] if as_json else []
    assert cli.main(["plan", "skip.json", "--out", "there", *flag]) == 2
    out, err = capsys.readouterr()
    assert told in (json.dumps(json.loads(out)["errors"]) if as_json else err)
    assert (err if as_json else out) == ""
    assert "Traceback" not in err
    assert sorted(path.name for path in graph.parent.iterdir()) == ["skip.json"]


def test_a_budget_below_an_operator_names_it_and_the_least(
    graph: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["plan", "skip.json", "--budget", "29"]) == 2
    err = capsys.readouterr().err
    assert "operator 2:wide needs 30 bytes (1:B 10, 2:C 20), the budget is 29" in err
    assert "the least budget that works is 30" in err


@pytest.mark.parametrize("text", ["{", "[]", "\xff", '{"tensors": 1}', "[" * 100_000, ""])
def test_files_that_are_no_graph(
    graph: Path, capsys: pytest.CaptureFixture[str], text: str
) -> None:
    graph.write_text(text, encoding="latin-1")
    assert cli.main(["plan", "skip.json"]) == 2
    assert "skip.json" in capsys.readouterr().err


def test_a_file_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["plan", str(tmp_path / "absent.json")]) == 2
    assert cli.main(["plan", str(tmp_path / "absent.yaml")]) == 2
    assert cli.main(["plan", str(tmp_path)]) == 2
    assert capsys.readouterr().err.count("error:") == 3


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["skip.json", "--budget", "0"],
        ["skip.json", "--budget", "-5"],
        ["skip.json", "--budget", "512KB"],
        ["skip.json", "--budget", "1.5"],
        ["skip.json", "--budget", "9999999999999999999999"],
        ["skip.json", "--budget", "٣"],
        ["skip.json", "--align", "0"],
        ["skip.json", "--align", "2MiB"],
        ["skip.json", "--weights", "some"],
        ["skip.json", "--seconds", "0"],
        ["skip.json", "--seconds", "nan"],
        ["skip.json", "--seconds", "inf"],
    ],
)
def test_wrong_options_are_code_2(
    graph: Path, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        cli.main(["plan", *arguments])
    assert caught.value.code == 2
    assert "usage: tilewright plan" in capsys.readouterr().err


def test_a_spec_of_a_kernel_has_nothing_to_plan(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert cli.main(["init", "mine", "--kind", "kernel", "--out", str(tmp_path)]) == 0
    assert cli.main(["plan", str(tmp_path / "mine.yaml")]) == 2
    assert "a kernel has no model to plan" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("beladi", "did you mean `belady`?"),
        ("default/minimum-peak", "two of one kind"),
        ("", "known baselines"),
        ("default/", "known baselines"),
        ("\x1b[31m", "\\x1b"),
    ],
)
def test_unknown_baselines_are_told_before_the_search(
    graph: Path, capsys: pytest.CaptureFixture[str], name: str, told: str
) -> None:
    assert cli.main(["plan", "skip.json", "--baseline", name, "--out", "there"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert told in err
    assert "\x1b" not in err
    assert not Path("there").exists()

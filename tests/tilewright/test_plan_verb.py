"""`tilewright plan`, from the command line to the files and the page."""

import html.parser
import json
import re
import signal
from pathlib import Path
from typing import Any

import pytest
from tilewright.dataflow.planning import baselines, exact, planner
from tilewright.dataflow.planning.checker import Rejected, check_plan
from tilewright.dataflow.planning.graph_file import read_problem
from tilewright.dataflow.planning.planned import Planned
from tilewright.dataflow.serial import SerialError, from_json

import tilewright
from tilewright import cli
from tilewright.build.files import verify_directory
from tilewright.flow.plan_page_parts import SCRIPT
from tilewright.spec.diagnostics import columns

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
GRAPHS = EXAMPLES / "graphs"


def skip_graph(**names: str) -> dict[str, Any]:
    """A is needed at both ends; between them `wide` needs 30 bytes beside it.

    At 30 bytes, the least that works, A must leave and come back: 20 bytes, whatever the order.
    """
    sizes = {"A": 10, "B": 10, "C": 20, "D": 10, "E": 10}
    tensors = [
        {"id": place, "bytes": size, "name": names.get(name, name)}
        for place, (name, size) in enumerate(sizes.items())
    ]
    wiring = {"first": ([], 0), "next": ([0], 1), "wide": ([1], 2), "thin": ([2], 3)}
    wiring["join"] = ([0, 3], 4)
    ops = [
        {"id": i, "name": names.get(name, name), "inputs": reads, "outputs": [made],
         "weight_bytes": 3 if name == "wide" else 0}
        for i, (name, (reads, made)) in enumerate(wiring.items())
    ]  # fmt: skip
    return {"name": names.get("graph", "skip"), "tensors": tensors, "ops": ops}


@pytest.fixture
def graph(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "skip.json"
    path.write_text(json.dumps(skip_graph()))
    return path


def planned_json(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    assert cli.main(["plan", *arguments, "--json"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    data: dict[str, Any] = json.loads(out)
    assert data["ok"] is True
    return data


def test_the_table_says_what_is_known(graph: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["plan", "skip.json"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    rows = dict(re.findall(r"^  (\w[\w ]*?)  +(.+)$", out, re.MULTILINE))
    assert out.startswith("skip: memory plan\n")
    assert rows["operators"] == "5 on 5 tensors"
    assert rows["budget"] == "30 bytes, the least that works"
    assert rows["weights"].startswith("activations only")
    assert rows["compulsory"] == "0 bytes read: first loads, 10 bytes written: results"
    assert (rows["spilled"], rows["reloaded"]) == ("10 bytes", "10 bytes")
    assert rows["lower bound"] == "20 bytes"
    assert rows["gap"].startswith("0: proven")
    assert rows["peak"].startswith("30 bytes")
    assert rows["arena height"] == "30 bytes"
    assert rows["fragmentation"] == "0 bytes, 0.0% of the height"
    assert {"method", "seconds"} <= set(rows)


@pytest.mark.parametrize("width", [80, 100, 160])
def test_no_line_is_too_wide(
    graph: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    graph.write_text(json.dumps(skip_graph(graph="long " * 60, A="\x1b[31mred")))
    assert cli.main(["plan", "skip.json", "--weights", "all", "--align", "16"]) == 0
    out = capsys.readouterr().out
    assert max(map(columns, out.splitlines())) <= width
    assert "\x1b" not in out


@pytest.mark.parametrize(
    ("budget", "size", "moved"), [("40", 40, 0), ("30B", 30, 20), ("0.5KiB", 512, 0)]
)
def test_budgets(
    graph: Path, capsys: pytest.CaptureFixture[str], budget: str, size: int, moved: int
) -> None:
    data = planned_json(capsys, "skip.json", "--budget", budget)
    assert (data["budget_bytes"], data["bytes"], data["lower_bound"]) == (size, moved, moved)
    assert data["proven"] is True
    assert data["gap"] == 0


def test_json_has_every_number(graph: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = planned_json(capsys, "skip.json", "--weights", "all", "--budget", "33")
    known = {
        "name": "skip", "file": "skip.json", "operators": 5, "tensors": 6, "weights": "all",
        "alignment": 1, "compulsory_read_bytes": 3, "compulsory_written_bytes": 10,
        "spilled_bytes": 10, "reloaded_bytes": 10, "bytes": 20, "peak_bytes": 33,
        "height_bytes": 33, "fragmentation_bytes": 0, "interrupted": False, "files": [],
        "baselines": [], "notes": [],
    }  # fmt: skip
    assert {key: data[key] for key in known} == known
    assert data["seconds"] > 0
    assert data["method"]


def test_alignment_is_kept_and_costs_room(
    graph: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    data = planned_json(capsys, "skip.json", "--align", "16", "--out", "there")
    assert data["budget_bytes"] == 48  # 16 + 32
    offsets = [
        r["offset"] for r in json.loads(Path("there/plan.json").read_text())["plan"]["residences"]
    ]
    assert all(offset % 16 == 0 for offset in offsets)
    assert cli.main(["plan", "skip.json", "--align", "16", "--budget", "40"]) == 2
    assert "multiples of 16 the least budget that works is 48" in capsys.readouterr().err


def test_the_folder_is_whole_and_its_plan_can_be_checked_again(
    graph: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = planned_json(capsys, "skip.json", "--out", "there")
    assert data["files"] == ["there/plan.json", "there/plan.html"]
    manifest = verify_directory(Path("there"))
    assert manifest["source"] == "skip.json"
    assert set(manifest["files"]) == {"plan.json", "plan.html"}
    written = json.loads(Path("there/plan.json").read_text())
    planned = from_json(Planned, written)
    assert planned.problem == read_problem(graph, 30)
    assert check_plan(planned.problem, planned.plan).moved_beyond == 20
    assert cli.main(["plan", "skip.json", "--out", "there", "--budget", "40"]) == 0
    assert "wrote there/plan.html" in capsys.readouterr().out
    assert json.loads(Path("there/plan.json").read_text())["traffic"]["spilled"] == 0


def test_a_changed_plan_is_refused(graph: Path, capsys: pytest.CaptureFixture[str]) -> None:
    planned_json(capsys, "skip.json", "--out", "there")
    text = Path("there/plan.json").read_text()
    for change in (
        lambda data: data["plan"]["stores"].pop(0),
        lambda data: data["plan"]["residences"].pop(0),
        lambda data: data["plan"]["residences"][0].update(offset=25),
        lambda data: data["traffic"].update(spilled=0),
        lambda data: data["plan"]["certificate"].update(bytes=0),
        lambda data: data["plan"].update(certificate=None),
        lambda data: data["problem"].update(budget=29),
    ):
        data = json.loads(text)
        change(data)
        with pytest.raises((SerialError, Rejected)):
            from_json(Planned, data)


class Page(html.parser.HTMLParser):
    """Tags with attributes, texts by tag; an unknown or unclosed tag would show in both."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.texts: list[tuple[str, str]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self.open.append(tag)

    def handle_data(self, data: str) -> None:
        self.texts.append((self.open[-1] if self.open else "", data))

    def of_class(self, name: str) -> list[dict[str, str | None]]:
        return [a for _, a in self.tags if name in (a.get("class") or "").split()]


def page_of(capsys: pytest.CaptureFixture[str], *arguments: str) -> Page:
    planned_json(capsys, *arguments, "--out", "there")
    return Page(Path("there/plan.html").read_text())


def test_the_page_draws_every_residence_and_transfer(
    graph: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = page_of(capsys, "skip.json", "--weights", "all", "--budget", "33")
    boxes = page.of_class("box")
    plan = json.loads(Path("there/plan.json").read_text())["plan"]
    assert len(boxes) == len(plan["residences"]) == 7
    for box, residence in zip(boxes, plan["residences"], strict=True):
        count = residence["last"] - residence["first"] + 1
        assert f"--a:{residence['first']};--n:{count};" in (box["style"] or "")
        assert f"address {residence['offset']:,} to" in (box["title"] or "")
    kinds = [(box["class"] or "").split()[1] for box in boxes]
    assert (kinds.count("leaves"), kinds.count("back"), kinds.count("first")) == (1, 1, 1)
    marks = [(mark["class"] or "").split()[1] for mark in page.of_class("mark")]
    assert sorted(marks) == ["back", "first", "leaves", "result"]
    operators = [a["title"] or "" for a in page.of_class("op")]
    assert [title.split("\n")[0] for title in operators] == [
        "0: 0:first", "1: 1:next", "2: 2:wide", "3: 3:thin", "4: 4:join",
    ]  # fmt: skip
    back = next(box for box in boxes if "back" in (box["class"] or ""))
    assert "loaded before 4:join" in (back["title"] or "")


def test_the_page_needs_no_network_and_runs_one_script(
    graph: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = page_of(capsys, "skip.json")
    assert next(text for tag, text in page.texts if tag == "script") == SCRIPT
    assert [tag for tag, _ in page.tags].count("script") == 1
    assert not {"img", "link", "iframe", "object", "a"} & {tag for tag, _ in page.tags}
    assert not [a for _, a in page.tags if {"src", "href", "onclick", "onload"} & set(a)]
    policy = next(a["content"] or "" for _, a in page.tags if a.get("http-equiv"))
    assert policy.startswith("default-src 'none'")
    assert "unsafe-inline" not in policy.partition("script-src")[2]


HOSTILE = (
    "<script>alert(1)</script>",
    "</title><script>alert(2)</script>",
    '" onmouseover="alert(3)" x="',
    "' onfocus='alert(4)",
    "&lt;b&gt;&#x3c;",
    "\x1b]0;x\x07\x00\u202etxt",
    "</style></div><img src=x onerror=alert(5)>",
)


@pytest.mark.parametrize("name", HOSTILE)
def test_names_cannot_act_on_the_page(
    graph: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    plain = page_of(capsys, "skip.json")
    names = dict.fromkeys(("A", "B", "wide", "join", "graph"), name)
    graph.write_text(json.dumps(skip_graph(**names)))
    page = page_of(capsys, "skip.json")
    text = Path("there/plan.html").read_text()
    assert [tag for tag, _ in page.tags] == [tag for tag, _ in plain.tags]
    assert [sorted(a) for _, a in page.tags] == [sorted(a) for _, a in plain.tags]
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f\u202e]", text)
    if name.isprintable():
        assert f"0:{name}" in (page.of_class("box")[0]["title"] or "")


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
    graph: Path, capsys: pytest.CaptureFixture[str], fault: str, as_json: bool
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


def test_a_spec_is_planned_for_its_scratchpad(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    spec = str(EXAMPLES / "digits_mlp.yaml")
    data = planned_json(capsys, spec)
    assert data["name"] == "digits_mlp"
    assert data["budget_bytes"] == 64 * 1024
    assert data["alignment"] == 16
    # 100 images: 64 pixels are 4 words of 16 bytes, 10 classes 1 word
    assert data["compulsory_read_bytes"] == 100 * 64
    assert data["compulsory_written_bytes"] == 100 * 16
    assert data["operators"] == 3
    assert (data["bytes"], data["peak_bytes"]) == (0, 2 * 6400)
    assert cli.main(["plan", spec, "--budget", "12KiB", "--out", "there"]) == 2
    err = capsys.readouterr().err
    assert "operator matmul_0 needs 12800 bytes" in err
    assert list(tmp_path.iterdir()) == []


def test_a_spec_of_a_kernel_has_nothing_to_plan(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert cli.main(["init", "mine", "--kind", "kernel", "--out", str(tmp_path)]) == 0
    assert cli.main(["plan", str(tmp_path / "mine.yaml")]) == 2
    assert "a kernel has no model to plan" in capsys.readouterr().err


def interrupt(*_arguments: object, **_options: object) -> Any:
    """As Ctrl-C does at this point."""
    signal.raise_signal(signal.SIGINT)


def test_ctrl_c_shows_the_best_plan_so_far(
    graph: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exact, "best_first", interrupt)
    data = planned_json(capsys, "skip.json", "--out", "there")
    assert data["interrupted"] is True
    assert data["bytes"] == 20
    assert data["proven"] == (data["lower_bound"] == 20)
    verify_directory(Path("there"))
    assert cli.main(["plan", "skip.json"]) == 0
    out = capsys.readouterr().out
    assert "interrupted" in out or "proven" in out


def test_ctrl_c_before_there_is_a_plan_is_code_130(
    graph: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(planner, "fewest_bytes", interrupt)
    assert cli.main(["plan", "skip.json", "--out", "there"]) == 130
    assert "interrupted" in capsys.readouterr().err
    assert not Path("there").exists()


def test_progress_tells_the_incumbent_and_the_bound(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    graph = str(GRAPHS / "densenet121_i8.json")
    monkeypatch.setattr("tilewright.flow.plan.TOLD_EVERY_SECONDS", 0.0)
    assert cli.main(["-v", "plan", graph]) == 0
    err = capsys.readouterr().err
    assert re.search(r"^plan: order: [\d,]+ bytes so far, bound [\d,]+, gap \d", err, re.MULTILINE)
    assert cli.main(["-q", "plan", graph]) == 0
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("names", "count"),
    [
        (["default/belady/capacity"], 1),
        (["default/Belady", "default/belady/online"], 3),
        (["ilp/default"], 3),
        (["minimum-peak"], 6),
        (["all"], 18),
    ],
)
def test_baselines_stand_beside_ours(
    graph: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    names: list[str],
    count: int,
) -> None:
    monkeypatch.setenv("COLUMNS", "120")  # in 80, many seconds on a busy machine shorten the names
    options = [word for name in names for word in ("--baseline", name)]
    data = planned_json(capsys, "skip.json", *options)
    assert len(data["baselines"]) == count
    # There is one order only, and in it A has to leave: no method moves less than 20 bytes.
    assert all(one["bytes"] >= data["bytes"] == 20 for one in data["baselines"])
    assert cli.main(["plan", "skip.json", *options]) == 0
    rows = capsys.readouterr().out.partition("\n\n")[2].splitlines()
    assert rows[0].split() == [
        "order", "replacement", "placement", "moved", "bytes", "of", "ours", "arena", "height",
        "fits", "seconds",
    ]  # fmt: skip
    assert len(rows) == 1 + count
    first = data["baselines"][0]
    assert rows[1].startswith(first["order"])
    assert f" {first['bytes']} {first['bytes'] / 20:.2f} " in " ".join(rows[1].split())


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


def test_ctrl_c_among_baselines_keeps_what_is_done(
    graph: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(baselines, "minimum_peak", interrupt)
    data = planned_json(capsys, "skip.json", "--baseline", "all")
    assert len(data["baselines"]) == 12
    assert data["proven"] is True


def test_a_plan_is_a_python_call_too(graph: Path) -> None:
    options = tilewright.PlanOptions(budget=40)
    result = tilewright.plan_file("skip.json", options=options)
    assert result.planned.traffic.moved_beyond == 0
    assert result.table().startswith("skip: memory plan")


@pytest.mark.parametrize("path", sorted(GRAPHS.glob("*.json")), ids=lambda path: path.stem)
def test_the_example_graphs_are_read(path: Path) -> None:
    problem = read_problem(path)
    assert len(problem.steps) > 60
    assert problem.budget == problem.least_budget

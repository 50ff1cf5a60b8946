"""`estimate --out`: a single design's page, data and trace, and `report` on them."""

import json
import re
from pathlib import Path

from tilewright.dse.point_detail import parse_point
from tilewright.dse.report.page import policy, script_text
from tilewright.dse.report.point_page import SCRIPTS, point_page

from tilewright import cli
from tilewright.errors import EXIT_FAILED, EXIT_GOOD

FILES = ["point.json", "report.html", "trace.json"]


def test_a_design_has_a_page_data_and_a_trace(tiny_spec, tmp_path: Path, capsys) -> None:
    spec, out = tiny_spec(), tmp_path / "design"
    assert cli.main(["estimate", str(spec), "--out", str(out), "--json"]) == EXIT_GOOD
    told = json.loads(capsys.readouterr().out)
    assert sorted(path.name for path in out.iterdir()) == FILES
    detail = parse_point((out / "point.json").read_text())
    assert detail.cycles == told["cycles"] == told["estimated_cycles"]
    assert detail.waterfall.cycles == detail.cycles
    assert detail.sentence == told["sentence"]
    assert detail.settings["name"] == "tiny"
    assert detail.tried
    page = (out / "report.html").read_text()
    assert re.search(r'id="waterfall"', page) and re.search(r'id="off-chip-body"', page)
    assert policy(script_text(SCRIPTS), re.search(r"<style>(.*?)</style>", page, re.S)[1]) in page
    events = json.loads((out / "trace.json").read_text())["traceEvents"]
    assert {event["name"] for event in events} >= {layer.name for layer in detail.layers}


def test_report_writes_it_again(tiny_spec, tmp_path: Path, capsys) -> None:
    spec, out, other = tiny_spec(), tmp_path / "design", tmp_path / "other"
    assert cli.main(["estimate", str(spec), "--out", str(out)]) == EXIT_GOOD
    page = (out / "report.html").read_bytes()
    (out / "report.html").unlink()
    assert cli.main(["report", str(out)]) == EXIT_GOOD
    assert (out / "report.html").read_bytes() == page
    assert cli.main(["report", str(out), "--out", str(other)]) == EXIT_GOOD
    assert sorted(path.name for path in other.iterdir()) == FILES[1:]
    (out / "point.json").write_text("{}")
    assert cli.main(["report", str(out)]) != EXIT_GOOD
    assert "estimate SPEC --out DIR writes it again" in capsys.readouterr().err


def test_another_result_is_left_alone(tiny_spec, tmp_path: Path, capsys) -> None:
    out = tmp_path / "design"
    out.mkdir()
    (out / "manifest.json").write_text("{}")
    assert cli.main(["estimate", str(tiny_spec()), "--out", str(out)]) == EXIT_FAILED
    assert "has another result" in capsys.readouterr().err
    assert [path.name for path in out.iterdir()] == ["manifest.json"]


def test_a_kernel_has_none(tmp_path: Path, capsys) -> None:
    spec = Path(__file__).parents[3] / "examples" / "kernels" / "topk_rank_1.yaml"
    assert cli.main(["estimate", str(spec), "--out", str(tmp_path / "out")]) != EXIT_GOOD
    assert "a kernel has no schedule to show" in capsys.readouterr().err


def test_names_are_escaped(tiny_spec, tmp_path: Path) -> None:
    out = tmp_path / "design"
    assert cli.main(["estimate", str(tiny_spec()), "--out", str(out)]) == EXIT_GOOD
    text = (out / "point.json").read_text()
    evil = "</script><img src=x onerror=alert(1)>"
    page = point_page(parse_point(text.replace('"name":"tiny"', f'"name":"{evil}"')))
    assert "<img" not in page

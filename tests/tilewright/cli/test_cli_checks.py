"""The verbs that need no flow: check, init, schema."""

import json
from pathlib import Path

import pytest

from tilewright import cli


def test_check_reports_all_specs(spec: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["check", str(spec)]) == 0
    assert capsys.readouterr().out == f"{spec}: good: kernel little\n"
    bad = spec.with_name("bad.yaml")
    bad.write_text(spec.read_text().replace("cols: 4", "cols: no"))
    assert cli.main(["check", str(bad), str(spec), str(bad)]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count(f"{bad}:6:9: error:") == 2
    assert cli.main(["check", "--json", str(bad)]) == 2
    contents = json.loads(capsys.readouterr().out)
    assert contents["errors"][0]["line"] == 6


def test_check_of_a_file_that_is_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["check", "absent.yaml"]) == 2
    assert "absent.yaml" in capsys.readouterr().err


@pytest.mark.parametrize("kind", ["accelerator", "kernel"])
def test_init_writes_a_spec_that_check_takes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], kind: str
) -> None:
    arguments = ["init", "mine", "--kind", kind, "--out", str(tmp_path)]
    assert cli.main(arguments) == 0
    text = (tmp_path / "mine.yaml").read_text()
    assert "yaml-language-server: $schema=" in text
    json.loads((tmp_path / "tilewright.schema.json").read_text())
    if kind == "kernel":
        assert cli.main(["check", str(tmp_path / "mine.yaml")]) == 0
    capsys.readouterr()
    assert cli.main(arguments) == 1
    assert "exists already" in capsys.readouterr().err
    assert (tmp_path / "mine.yaml").read_text() == text


def test_init_refuses_a_name_that_no_spec_may_have(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("Mine", "../mine", "module", "a" * 64):
        assert cli.main(["init", name, "--out", str(tmp_path)]) == 2, name
    assert list(tmp_path.iterdir()) == []


def test_schema_is_json_on_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["schema"]) == 0
    assert "properties" in capsys.readouterr().out

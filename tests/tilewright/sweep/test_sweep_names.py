"""Names that two things of a sweep would share: refused, so that no column replaces another."""

from importlib.metadata import EntryPoint, EntryPoints

import pytest

from tilewright import cli
from tilewright.catalog import load_spec
from tilewright.flow.sweep import objectives
from tilewright.spec import SpecError

ROWS = "accelerator.engines.array.rows"
DERIVED = f"{{times: [{ROWS}], derived: true}}"


@pytest.fixture
def badly_named(monkeypatch: pytest.MonkeyPatch) -> None:
    names = ("cycles", "energy_by_aladdin_40nm", "index", "cost", ROWS)
    points = EntryPoints(
        EntryPoint(name=name, value="objective_functions:cost", group=objectives.GROUP)
        for name in names
    )
    monkeypatch.setattr(objectives, "entry_points", lambda group: points.select(group=group))


@pytest.mark.parametrize(
    ("objective", "what"),
    [
        ("cycles", "metric"),
        ("energy_by_aladdin_40nm", "metric"),
        ("index", "column of every sweep"),
        (ROWS, "parameter"),
    ],
)
@pytest.mark.usefixtures("badly_named")
def test_a_function_that_is_called_like_something_else(
    sweep_spec, objective: str, what: str
) -> None:
    with pytest.raises(SpecError) as caught:
        load_spec(sweep_spec(objectives=f"[lut, {{function: {objective}}}]"))
    (told,) = caught.value.diagnostics
    assert (told.path, told.value) == ("sweep.objectives[1].function", objective)
    assert told.rule == f"is the name of a {what}: one would replace the other"
    assert told.line
    assert told.help == "give its entry point another name"


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("lut", "metric"),
        ("energy_by_eyeriss_65nm", "metric"),
        ("index", "column of every sweep"),
        ("refused", "column of every sweep"),
        ("cost", "function among the objectives"),
    ],
)
@pytest.mark.usefixtures("badly_named")
def test_a_derived_parameter_that_is_called_like_something_else(
    sweep_spec, name: str, what: str
) -> None:
    path = sweep_spec(parameters=f"{name}: {DERIVED}", objectives="[cycles, {function: cost}]")
    with pytest.raises(SpecError) as caught:
        load_spec(path)
    (told,) = caught.value.diagnostics
    assert (told.path, told.value) == (f"sweep.parameters.{name}", name)
    assert told.rule == f"is the name of a {what}: one would replace the other"
    assert told.help == "choose another name"
    assert told.line


def test_the_sweep_does_not_start(sweep_spec, capsys: pytest.CaptureFixture[str]) -> None:
    path = sweep_spec(parameters=f"lut: {DERIVED}", more="constraints: {lut: {maximum: 9}}")
    assert cli.main(["sweep", str(path)]) == 2
    assert "sweep.parameters.lut: is the name of a metric" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["missing_function", "missing_module", "number", "twice"])
def test_a_function_that_cannot_be_loaded_is_told_where_it_is_named(
    sweep_spec, name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    modules = {"missing_module": ["no_such_module"], "twice": ["objective_functions", "other"]}
    points = EntryPoints(
        EntryPoint(name=name, value=f"{module}:{name}", group=objectives.GROUP)
        for module in modules.get(name, ["objective_functions"])
    )
    monkeypatch.setattr(objectives, "entry_points", lambda group: points.select(group=group))
    objectives.load_objective.cache_clear()
    path = sweep_spec(objectives=f"[cycles, {{function: {name}}}]")
    for verb in ("check", "sweep"):
        assert cli.main([verb, str(path)]) == 2
        assert f"sweep.objectives[1].function: objective {name}" in capsys.readouterr().err

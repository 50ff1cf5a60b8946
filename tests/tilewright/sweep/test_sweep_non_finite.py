"""Numbers of a section `sweep:` that are none, or are endless: each is refused at its place."""

import pytest

from tilewright import cli
from tilewright.catalog import load_spec
from tilewright.spec import SpecError

FACTOR = "{times: accelerator.engines.array.rows, derived: true, factor: %s}"
LATENCY = "accelerator.memory.latency_cycles"
CASES = {
    "maximum": ({"more": "constraints: {lut: {maximum: .nan}}"}, "constraints.lut.maximum: must"),
    "minimum": ({"more": "constraints: {lut: {minimum: -.inf}}"}, "constraints.lut.minimum: must"),
    "bound of a time": (
        {"more": "constraints: {latency_us: {maximum: .inf}}"},
        "constraints.latency_us.maximum: must",
    ),
    "bound of many digits": (
        {"more": f"constraints: {{lut: {{maximum: {'9' * 400}}}}}"},
        "constraints.lut.maximum: must",
    ),
    "bound beyond all floats": (
        {"more": "constraints: {lut: {maximum: 1e999}}"},
        "constraints.lut.maximum: must",
    ),
    "value": ({"parameters": "x: {values: [1, .nan], derived: true}"}, "parameters.x.values[1]: "),
    "otherwise": (
        {
            "parameters": "x: {values: [1], derived: true, otherwise: .inf, "
            "when: {accelerator.engines.array.rows: 1}}"
        },
        "parameters.x.otherwise: must",
    ),
    "start": ({"parameters": "x: {start: .nan, stop: 4, derived: true}"}, "parameters.x.start: "),
    "stop": ({"parameters": "x: {start: 1, stop: .inf, derived: true}"}, "parameters.x.stop: "),
    "step": (
        {"parameters": "x: {start: 1, stop: 2, step: .nan, derived: true}"},
        "parameters.x.step: ",
    ),
    "factor": ({"parameters": f"x: {FACTOR % '.inf'}"}, "parameters.x.factor: must"),
    "no factor": ({"parameters": f"x: {FACTOR % '.nan'}"}, "parameters.x.factor: must"),
    "area": (
        {"more": "area: {memory_um2_per_bit: .nan, memory_source: x}"},
        "area.memory_um2_per_bit: must",
    ),
    "quotient": (
        {
            "parameters": "x: {values: [1.0e-320, 1], derived: true}\n"
            "    y: {times: accelerator.engines.array.rows, divided_by: x, derived: true}"
        },
        "parameters.y: must stay below 2^53",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_a_number_that_is_not_finite_is_told_at_its_place(sweep_spec, case: str) -> None:
    changes, message = CASES[case]
    with pytest.raises(SpecError) as caught:
        load_spec(sweep_spec(**changes))
    assert f"sweep.{message}" in str(caught.value)
    assert len(caught.value.diagnostics) == 1
    assert caught.value.diagnostics[0].line


@pytest.mark.parametrize("verb", ["check", "sweep"])
def test_no_verb_starts_with_such_a_number(
    sweep_spec, verb: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = sweep_spec(more="constraints: {lut: {maximum: .nan}}")
    assert cli.main([verb, str(path)]) == 2
    error = capsys.readouterr().err
    assert "sweep.constraints.lut.maximum: must be a finite number, got .nan" in error

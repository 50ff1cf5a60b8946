"""The small example of docs/kernels.md: packing and golden model, and once the Verilog itself."""

import json
import re
from pathlib import Path

import pytest
from tilewright.hw.lib.requantize_params import encode_scale
from tilewright.hw.systolic import law, mapping
from tilewright.hw.systolic.params import SystolicParams
from tilewright.sim.golden.systolic import systolic

from tilewright.catalog import load_spec
from tilewright.flow.systolic_cases import params_of, ports

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "docs" / "kernels.md").read_text(encoding="utf-8")
PARAMS = SystolicParams(rows=2, cols=2, lanes=2)
LOOPS = mapping.tile_loops(PARAMS, m=3, k=3, n=2)
A, B = [[1, 2, 3], [4, 5, 6], [7, 8, 9]], [[1, 0], [0, 1], [1, -1]]
BIASES, SCALES = [11, -5], [encode_scale(0.5, "exact"), encode_scale(1.0, "exact")]


def told(stream: str) -> list[int]:
    """The words of a stream in the page's table."""
    row = re.search(rf"^\| `{stream}` \| ((?:[0-9a-f]{{4}}|with tlast|[ ,])+) \|$", PAGE, re.M)
    assert row, f"no words of {stream}"
    return [int(word, 16) for word in re.findall(r"\b[0-9a-f]{4}\b", row[1])]


def test_inputs() -> None:
    assert told("a") == list(mapping.pack_a(PARAMS, LOOPS, A))
    assert told("b") == list(mapping.pack_b(PARAMS, LOOPS, B))
    assert told("p") == list(mapping.pack_parameters(PARAMS, LOOPS, BIASES, SCALES))


def test_the_command() -> None:
    fields = mapping.command_fields(PARAMS, LOOPS)
    text = ", ".join(f"{name} = {value}" for name, value in fields.items())
    assert f"| `command` | {text} |" in PAGE


def test_results() -> None:
    whole = [*A, [0, 0, 0]]
    golden = systolic(PARAMS, whole, B, biases=BIASES, scale_words=SCALES).tolist()
    words = [mapping.pack_word(row, 8) for row in golden]
    assert told("o") == words
    assert mapping.unpack_outputs(PARAMS, LOOPS, told("o"), 3, 2) == golden[:3]


def test_widths_of_the_ports() -> None:
    spec = load_spec(ROOT / "examples" / "kernels" / "matmul_8x8.yaml")
    for port in ports(params_of(spec.kernel)):  # type: ignore[union-attr, arg-type]
        row = next(
            line for line in PAGE.splitlines() if re.match(rf"\| `[sm_axi]*{port.name}[`_]", line)
        )
        assert row.endswith(f"| {port.bits} |"), row


def test_fields_of_the_command() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (\d+) \| ", PAGE, re.MULTILINE)
    fields = PARAMS.command_format.fields
    assert rows == [(field.name, str(field.bits)) for field in fields]


@pytest.mark.slow
def test_the_verilog_does_the_same(tmp_path: Path) -> None:
    from tilewright.hw.systolic.kernel import SystolicKernel
    from tilewright.sim.regress import Case, Job

    from tilewright.build.kernel_run import simulate_kernel
    from tilewright.build.verilog import emit

    last = 1 << PARAMS.output_word_bits
    words = told("o")
    command = PARAMS.command_format.encode(mapping.command_fields(PARAMS, LOOPS))
    case = Case(
        name="page",
        inputs={"command": [command], **{name: told(name) for name in "abp"}},
        expected={"o": [w | last * (i % 2) for i, w in enumerate(words)], "p_release": [1]},
        expected_cycles=law.kernel_cycles(PARAMS, [LOOPS]),
    )
    job = Job(module="tiny", ports=ports(PARAMS), cases=(case,))
    result = simulate_kernel(emit(SystolicKernel(PARAMS), "tiny"), job, tmp_path)
    assert result.is_passed, result.explain()
    assert json.loads((tmp_path / "results.json").read_text())

"""What `estimate` says of resources: by family, on a board, and where nothing is known."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tilewright.boards import load_board

from tilewright import flow
from tilewright.catalog import find_template, load_spec
from tilewright.flow import resources
from tilewright.flow.resources import kernel_resources, kernel_structure

EXAMPLES = Path(__file__).parents[3] / "examples"
KERNEL = """\
tilewright: 1
name: product
kernel: {template: systolic, rows: 4, cols: 4, output: raw}
"""


def estimate(tmp_path: Path, text: str) -> Any:
    path = tmp_path / "product.yaml"
    path.write_text(text)
    return flow.estimate(load_spec(path))


def test_without_a_board_two_families_are_told(tmp_path: Path) -> None:
    result = estimate(tmp_path, KERNEL)
    rows, data = dict(result.rows), result.to_json()
    assert result.ok
    assert set(data["resources"]) == {"ecp5", "xc7"}
    for family, found in data["resources"].items():
        assert found["dsp"] == 16
        assert f"{found['lut']:,} LUT" in rows[f"resources {family}"]
        assert f"{found['ff']:,} FF" in rows[f"resources {family}"]
    assert "designs synthesised by yosys" in rows["resources from"]
    assert data["resources_from"] == rows["resources from"]


def test_errors_are_told_with_the_numbers(tmp_path: Path) -> None:
    result = estimate(tmp_path, KERNEL)
    accuracy = result.to_json()["resources"]["ecp5"]["accuracy"]["lut"]
    told = dict(result.rows)["resources ecp5"]
    assert f"LUT +-{100 * accuracy['worst']:.0f} %" in told
    assert accuracy["held_out"] > 0


def test_a_family_that_nothing_was_fitted_for_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """UltraScale+ until its runs are in the table; here whatever the table has."""
    fitted = {**resources.coefficients(), "families": {"ecp5": {}}}
    monkeypatch.setattr(resources, "coefficients", lambda: fitted)
    told = estimate(tmp_path, f"{KERNEL}board: zcu104\n")
    assert "fitted to no synthesis for xcup" in dict(told.rows)["resources from"]
    assert "fitted to no synthesis" in told.to_json()["resources_from"]
    told = estimate(tmp_path, f"{KERNEL}board: ulx3s-85f\n")
    assert "designs synthesised by yosys" in dict(told.rows)["resources from"]


def test_a_board_has_shares_of_its_device(tmp_path: Path) -> None:
    result = estimate(tmp_path, f"{KERNEL}board: ulx3s-85f\n")
    device = load_board("ulx3s-85f").device
    found = result.to_json()["resources"]["ecp5"]
    assert found["device"]["available"]["dsp"] == device.dsp
    assert found["device"]["utilisation"]["dsp"] == 16 / device.dsp
    told = dict(result.rows)[f"resources {device.name}"]
    assert f"16 DSP ({100 * 16 / device.dsp:.0f} % of {device.dsp:,})" in told


def test_what_is_too_large_is_no_success_and_says_what_to_lower(tmp_path: Path) -> None:
    text = KERNEL.replace("rows: 4, cols: 4", "rows: 16, cols: 16")
    result = estimate(tmp_path, f"{text}board: ulx3s-12f\n")
    assert not result.ok
    multipliers = next(note for note in result.notes if "multipliers" in note)
    assert "256 multipliers of 28: 228 too many" in multipliers
    assert "lower" in multipliers


def test_a_doubtful_excess_is_not_one() -> None:
    """LUTs may be fewer than estimated; multipliers are counted exactly."""
    found = SimpleNamespace(
        family="ecp5", lut=100, ff=100, dsp=100, ram_blocks=100, large_ram_blocks=9
    )
    least = {"lut": 85, "ff": 85, "dsp": 100, "ram_blocks": 100, "large_ram_blocks": 9}
    assert resources._least(found) == least  # type: ignore[arg-type]


def test_other_families_are_left_to_synthesis(tmp_path: Path) -> None:
    result = estimate(tmp_path, f"{KERNEL}board: vpk180\n")
    rows = dict(result.rows)
    assert rows["resources"] == "not known for versal: tilewright synth --board vpk180"


def test_small_families_have_their_rules_and_a_wide_error(tmp_path: Path) -> None:
    """Multipliers of the iCEBreaker, none on the HX8K; how far off the logic was on boards."""
    for board, dsp, lut in (
        ("icebreaker", 16, 25),
        ("ice40-hx8k", 0, 25),
        ("tang-nano-9k", 16, 15),
    ):
        rows = dict(estimate(tmp_path, f"{KERNEL}board: {board}\n").rows)
        told = rows[f"resources {load_board(board).device.name}"]
        assert f"{dsp} DSP" in told and f"LUT +-{lut} %" in told
        assert "compared with examples of boards" in rows["resources from"]


def test_a_template_of_somebody_else_may_have_no_resources(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    other = replace(find_template("topk"), name="other", cost="tilewright.spec.numbers")
    with pytest.raises(LookupError, match=r"template other: no module tilewright\.spec\.resources"):
        kernel_structure(other, None, "ecp5")
    monkeypatch.setattr(resources, "find_template", lambda name: other)
    spec = load_spec(EXAMPLES / "kernels" / "topk_16.yaml")
    found = kernel_resources(spec, "other", None)
    assert (list(found.rows), dict(found.data), list(found.excess)) == ([], {}, [])


def test_a_mistake_in_what_a_template_says_is_not_taken_for_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def structure(template: object, params: object, family: str) -> None:
        raise KeyError(family)

    monkeypatch.setattr(resources, "kernel_structure", structure)
    spec = load_spec(EXAMPLES / "kernels" / "topk_16.yaml")
    with pytest.raises(KeyError):
        kernel_resources(spec, "topk", None)


def test_no_hardware_is_loaded() -> None:
    """What a design is made of is said without Amaranth."""
    path = EXAMPLES / "kernels" / "topk_16.yaml"
    script = (
        "import sys; from tilewright.flow.resources import kernel_structure; "
        "from tilewright.catalog import find_template, load_spec; "
        f"spec = load_spec({str(path)!r}); template = find_template('topk'); "
        "params = template.load('cases').params_of(spec.kernel); "
        "assert kernel_structure(template, params, 'ecp5').ff; "
        "print([m for m in sys.modules if m.split('.')[0] == 'amaranth'])"
    )
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"

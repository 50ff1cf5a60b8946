"""The Python parts of benches: right words pass, every kind of wrong is found."""

from pathlib import Path

import pytest

from tilewright.build.cache import BuildCache
from tilewright.build.simulate import Model, build_model, run_bench
from tilewright.build.verilator import BuildOptions
from tilewright.errors import NothingRunError

pytestmark = pytest.mark.simulator

HERE = Path(__file__).parent
SIGNALS = (
    *("aclk", "aresetn"),
    *("s_axis_i_tdata", "s_axis_i_tvalid", "s_axis_i_tready"),
    *("m_axis_o_tdata", "m_axis_o_tvalid", "m_axis_o_tready"),
)
WRONG = {
    "bad_hang": "echo: not done after 2000 cycles",
    "bad_valid_fell": "m_axis_o: valid fell in cycle",
    "bad_payload_changed": "m_axis_o: payload changed in cycle",
    "bad_surplus": "words left over: ['0x4d']",
    "bad_word": "o[1]: expected 0xc, got 0xb (seed 5)",
}


@pytest.fixture(scope="module")
def model(build_cache: BuildCache) -> Model:
    options = BuildOptions(top="moody", public=(("moody", SIGNALS),))
    text = (HERE / "moody.sv").read_text()
    return build_model({"moody.sv": text}, options, cache=build_cache)


@pytest.fixture(autouse=True)
def _bench_is_importable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(HERE)


def test_good_passes_and_bad_fails_with_its_reason(model: Model, run_folder: Path) -> None:
    result = run_bench(model, test_module="stream_parts_bench", folder=run_folder)
    assert result.status == "failed"
    names = [test.name for test in result.tests]
    assert sum(name.startswith("good") for name in names) == 16
    for test in result.tests:
        assert test.is_passed == test.name.startswith("good"), f"{test.name}: {test.message}"
        if not test.is_passed:
            assert WRONG[test.name] in test.message


def test_some_tests_by_filter(model: Model, run_folder: Path) -> None:
    result = run_bench(
        model, test_module="stream_parts_bench", folder=run_folder, test_filter=r"good/.*o_kind=0$"
    )
    assert result.is_passed
    assert len(result.tests) == 4


def test_nothing_ran_is_an_error(model: Model, run_folder: Path) -> None:
    with pytest.raises(NothingRunError):
        run_bench(
            model, test_module="stream_parts_bench", folder=run_folder, test_filter="no_such_test"
        )


def test_a_bench_that_cannot_be_imported_is_no_pass(model: Model, run_folder: Path) -> None:
    with pytest.raises(NothingRunError, match="No module named 'no_such_module_here'"):
        run_bench(model, test_module="no_such_module_here", folder=run_folder)

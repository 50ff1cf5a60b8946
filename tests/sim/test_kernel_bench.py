"""The whole path of a kernel: emit, lint, build, run, judge; and each way in which it must fail."""

import json
import subprocess
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest
from amaranth.hdl import ClockDomain, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from tilewright.sim.regress import Case, Job, Port
from tilewright.sim.vectors import LONG_PAUSE, STANDARD_STALLS, StallPattern, random_words

from tilewright.build.cache import BuildCache
from tilewright.build.kernel_run import build_kernel, build_kernels, run_kernel, run_kernels
from tilewright.build.lint import lint
from tilewright.build.simulate import Model
from tilewright.build.verilog import emit
from tilewright.errors import NothingRunError

pytestmark = pytest.mark.simulator

BITS = 77


class StreamAdder(wiring.Component):
    """Adds two streams, one result per cycle, one cycle later."""

    def __init__(self) -> None:
        ports = {"aclk": In(1), "aresetn": In(1)}
        for name in ("s_axis_a", "s_axis_b"):
            ports |= {f"{name}_tdata": In(BITS), f"{name}_tvalid": In(1), f"{name}_tready": Out(1)}
        ports |= {"m_axis_o_tdata": Out(BITS), "m_axis_o_tvalid": Out(1), "m_axis_o_tready": In(1)}
        super().__init__({**ports, "m_axis_o_tlast": Out(1), "is_odd": Out(1)})

    def elaborate(self, platform):
        m = Module()
        m.domains.sync = domain = ClockDomain()
        m.d.comb += [domain.clk.eq(self.aclk), domain.rst.eq(~self.aresetn)]
        have_both = self.s_axis_a_tvalid & self.s_axis_b_tvalid
        go = Signal()
        m.d.comb += go.eq(have_both & (self.m_axis_o_tready | ~self.m_axis_o_tvalid))
        m.d.comb += [self.s_axis_a_tready.eq(go), self.s_axis_b_tready.eq(go)]
        total = Signal(BITS)
        m.d.comb += total.eq(self.s_axis_a_tdata + self.s_axis_b_tdata)
        with m.If(self.m_axis_o_tready):
            m.d.sync += self.m_axis_o_tvalid.eq(0)
        with m.If(go):
            m.d.sync += [self.m_axis_o_tvalid.eq(1), self.m_axis_o_tdata.eq(total)]
            m.d.sync += self.m_axis_o_tlast.eq(total[0])
        m.d.comb += self.is_odd.eq(go & total[0])
        return m


PORTS = (
    Port(name="a", direction="in", bits=BITS),
    Port(name="b", direction="in", bits=BITS),
    Port(name="o", direction="out", bits=BITS, has_last=True),
    Port(name="is_odd", direction="pulse"),
)


def adder_case(name: str, seed: int, count: int, stalls: dict[str, StallPattern]) -> Case:
    a, b = (random_words(seed + offset, BITS, count) for offset in (0, 1000))
    sums = [(x + y) % (1 << BITS) for x, y in zip(a, b, strict=True)]
    return Case(
        name=name,
        inputs={"a": a, "b": b},
        expected={
            "o": [total | (total & 1) << BITS for total in sums],
            "is_odd": [1] * sum(total & 1 for total in sums),
        },
        stalls=stalls,
        expected_cycles=count + 1 if not stalls and count else None,
        limit_cycles=200 * count + 1000,
    )


@pytest.fixture(scope="module")
def adder_model(build_cache: BuildCache) -> Model:
    text = emit(StreamAdder(), "stream_adder")
    result = lint(text, "stream_adder")
    assert result.is_clean, [str(problem) for problem in result.problems]
    return build_kernel(text, Job(module="stream_adder", ports=PORTS, cases=()), cache=build_cache)


def adder_job() -> Job:
    cases = [adder_case("no_stalls", 1, 50, {}), adder_case("no_words", 1, 0, {})]
    for number, stalls in enumerate(STANDARD_STALLS[1:]):
        for ports in (("a", "b"), ("o",), ("a", "o")):
            where = dict.fromkeys(ports, stalls)
            name = f"{stalls.kind}_{'_'.join(ports)}"
            cases.append(adder_case(name, 10 + number, 33, where))
    cases.append(adder_case("last", 99, 1, {}))
    return Job(module="stream_adder", ports=PORTS, cases=tuple(cases))


def test_every_case_passes_in_one_process(adder_model: Model, run_folder: Path) -> None:
    job = adder_job()
    result = run_kernel(adder_model, job, run_folder)
    assert result.is_passed, result.explain()
    assert [case.name for case in result.cases] == [case.name for case in job.cases]
    assert result.cases[0].cycles == 51
    assert result.cases[1].cycles is None
    assert result.cases[0].ports["o"].first_cycle == 1
    assert result.cases[0].ports["o"].last_cycle == 50
    names = [t.get("name") for t in ElementTree.parse(run_folder / "junit.xml").iter("testcase")]
    assert len(names) == len(job.cases)


def test_a_pause_of_ten_thousand_cycles_delays_by_just_so_many(
    adder_model: Model, run_folder: Path
) -> None:
    """One word moves per cycle: what a pause holds up comes later by its length."""
    cases = tuple(
        replace(adder_case(f"pause_{port}", 5, 60, {port: LONG_PAUSE}), limit_cycles=20_000)
        for port in ("a", "o")
    )
    job = Job(module="stream_adder", ports=PORTS, cases=cases)
    result = run_kernel(adder_model, job, run_folder)
    assert result.is_passed, result.explain()
    assert [case.cycles for case in result.cases] == [61 + 10_000] * 2


def test_planted_mismatch_fails_and_repeats(adder_model: Model, run_folder: Path) -> None:
    job = adder_job()
    bad = job.cases[2]
    words = list(bad.expected["o"])
    words[7] ^= 1 << 40
    cases = list(job.cases)
    cases[2] = replace(bad, expected={**bad.expected, "o": words})
    result = run_kernel(adder_model, replace(job, cases=tuple(cases), seed=42), run_folder)
    assert not result.is_passed
    assert result.run.status == "failed"
    assert [case.is_passed for case in result.cases].count(False) == 1
    assert f"o[7]: expected {words[7]:020x}" in result.cases[2].message
    assert "seed: 42" in result.explain()
    assert result.run.repeat in result.explain()
    again = subprocess.run(
        ["sh", "-c", result.run.repeat], capture_output=True, text=True, check=False, timeout=60
    )
    assert "FAIL=1" in again.stdout
    assert f"o[7]: expected {words[7]:020x}" in again.stdout


def test_wrong_cycles_and_counts_fail(adder_model: Model, run_folder: Path) -> None:
    good = adder_case("good", 1, 20, {})
    words = good.expected["o"]
    cases = (
        replace(good, name="one_cycle_less", expected_cycles=20),
        replace(good, name="one_word_less", expected={**good.expected, "o": words[:-1]}),
        replace(
            good, name="one_more", expected={**good.expected, "o": [*words, 1]}, limit_cycles=100
        ),
        replace(good, name="no_pulses", expected={**good.expected, "is_odd": []}),
        good,
    )
    job = Job(module="stream_adder", ports=PORTS, cases=cases)
    result = run_kernel(adder_model, job, run_folder)
    assert [case.is_passed for case in result.cases] == [False, False, False, False, True]
    assert "took 21 cycles, the cost law says 20" in result.cases[0].message
    assert "expected 19 words, got 20" in result.cases[1].message
    assert "not done after 100 cycles" in result.cases[2].message
    assert "is_odd: expected 0 words" in result.cases[3].message


def test_a_second_build_compiles_nothing(adder_model: Model, build_cache: BuildCache) -> None:
    text = emit(StreamAdder(), "stream_adder")
    again = build_kernel(text, adder_job(), cache=build_cache)
    assert again.was_cached
    assert again.folder == adder_model.folder


def test_no_cases_is_not_a_pass(adder_model: Model, run_folder: Path) -> None:
    with pytest.raises(NothingRunError):
        run_kernel(adder_model, Job(module="stream_adder", ports=PORTS, cases=()), run_folder)


MOODY = (Path(__file__).parent / "moody.sv").read_text()
MOODY_PORTS = (
    Port(name="i", direction="in", bits=8),
    Port(name="o", direction="out", bits=8),
)


@pytest.fixture(scope="module")
def moody_model(build_cache: BuildCache) -> Model:
    return build_kernel(MOODY, Job(module="moody", ports=MOODY_PORTS, cases=()), cache=build_cache)


def echo(name: str, words: list[int], limit_cycles: int = 500) -> Case:
    slow = StallPattern(kind="one_in_four")
    return Case(
        name=name,
        inputs={"i": words},
        expected={"o": words},
        stalls={"o": slow},
        limit_cycles=limit_cycles,
    )


def moody_job(*cases: Case) -> Job:
    return Job(module="moody", ports=MOODY_PORTS, cases=cases)


def test_misbehaviour_is_found_and_the_next_case_is_clean(
    moody_model: Model, run_folder: Path
) -> None:
    job = moody_job(
        echo("before", [10, 11]),
        echo("hang", [10, 2, 11]),
        echo("between", [12]),
        echo("dropped", [10, 3, 11]),
        echo("changed", [20, 4, 21]),
        echo("surplus", [30, 5]),
        echo("after", [13, 14]),
    )
    result = run_kernel(moody_model, job, run_folder)
    messages = {case.name: case.message for case in result.cases}
    assert [name for name, message in messages.items() if not message] == [
        "before", "between", "after",
    ]  # fmt: skip
    assert "not done after 500 cycles; transfers: {'i': 2, 'o': 1}" in messages["hang"]
    assert "o: 1 breaches of the stream rules" in messages["dropped"]
    assert "o: 1 breaches of the stream rules" in messages["changed"]
    assert "o: expected 2 words, got 3" in messages["surplus"]
    assert "stream rule: o in cycle" in (run_folder / "simulation.log").read_text()
    assert not result.is_passed


def test_a_crash_is_no_pass(moody_model: Model, run_folder: Path) -> None:
    result = run_kernel(moody_model, moody_job(echo("a", [10]), echo("b", [1])), run_folder)
    assert not result.is_passed
    assert result.run.status == "crashed"
    assert "as you wish" in result.explain()
    assert "repeat.sh" in result.explain()
    assert [case.name for case in result.cases] == ["a"]


def test_a_killed_simulator_is_no_pass(moody_model: Model, run_folder: Path) -> None:
    result = run_kernel(moody_model, moody_job(echo("a", [10]), echo("b", [6])), run_folder)
    assert not result.is_passed
    assert result.run.status == "crashed"
    assert [case.name for case in result.cases] == ["a"]


def test_a_run_without_end_is_ended(moody_model: Model, run_folder: Path) -> None:
    job = moody_job(echo("hang", [2], limit_cycles=1 << 31))
    result = run_kernel(moody_model, job, run_folder, limit_seconds=1.5)
    assert not result.is_passed
    assert result.run.status == "timed_out"
    assert result.run.seconds < 10


def test_results_of_an_older_run_are_not_believed(moody_model: Model, run_folder: Path) -> None:
    assert run_kernel(moody_model, moody_job(echo("a", [10])), run_folder).is_passed
    result = run_kernel(moody_model, moody_job(echo("a", [1])), run_folder)
    assert not result.is_passed
    assert result.cases == ()


def test_results_file_is_readable(moody_model: Model, run_folder: Path) -> None:
    run_kernel(moody_model, moody_job(echo("a", [10, 11])), run_folder)
    (entry,) = json.loads((run_folder / "results.json").read_text())
    assert entry["ports"]["o"]["count"] == 2


def test_kernels_of_a_batch_share_a_simulator_and_nothing_else(
    adder_model: Model, build_cache: BuildCache, run_folder: Path
) -> None:
    """Two adders and one that misbehaves: each has its own clock, words, cycles and verdict."""
    p, q = (replace(adder_job(), module=name) for name in "pq")
    q = replace(q, cases=(replace(q.cases[0], expected_cycles=50), *q.cases[1:4]))
    moody = moody_job(echo("before", [10, 11]), echo("hang", [10, 2, 11]), echo("after", [12]))
    texts = (emit(StreamAdder(), "p"), MOODY, emit(StreamAdder(), "q"))
    model = build_kernels(list(zip(texts, (p, moody, q), strict=True)), cache=build_cache)
    results = run_kernels(model, (p, moody, q), run_folder)
    assert [result.is_passed for result in results] == [True, False, False]
    assert [case.is_passed for case in results[1].cases] == [True, False, True]
    assert [case.is_passed for case in results[2].cases] == [False, True, True, True]
    assert "q: case no_stalls (seed 1): took 51 cycles, the cost law" in results[0].explain()
    assert results[0].cases == run_kernel(adder_model, adder_job(), run_folder / "alone").cases
    again = subprocess.run(
        ["sh", "-c", results[0].run.repeat], capture_output=True, text=True, check=False, timeout=60
    )
    assert again.returncode == 1 and "FAIL=2" in again.stdout
    crash = run_kernels(model, (p, moody_job(echo("a", [1])), q), run_folder / "crash")
    assert [result.is_passed for result in crash] == [False] * 3


def test_kernels_of_a_batch_have_names_of_their_own() -> None:
    with pytest.raises(ValueError, match="names of their own"):
        build_kernels([("", adder_job()), ("", adder_job())])

"""Jobs: what cannot be meant is refused before anything is built."""

from dataclasses import replace

import pytest
from tilewright.sim.regress import Case, Job, Port, harness, job_files, public_signals
from tilewright.sim.vectors import LONG_PAUSE, StallPattern

IN, OUT = Port(name="a", direction="in", bits=9), Port(name="o", direction="out", bits=4)
CASE = Case(name="c", inputs={"a": [0, 0x1FF]}, expected={"o": [0xF]})
JOB = Job(module="m", ports=(IN, OUT), cases=(CASE,))


def test_files_of_a_job() -> None:
    files = job_files(JOB)
    assert files["case0_a.hex"] == "000\n1ff\n"
    assert files["case0_o.expected"] == "f\n"
    assert set(files) == {
        "job.json", "case0_a.hex", "case0_a.stall", "case0_o.expected", "case0_o.stall",
    }  # fmt: skip
    assert files == job_files(JOB)


def test_stalls_are_written_as_runs() -> None:
    stalls = {"a": LONG_PAUSE, "o": StallPattern(kind="one_in_four")}
    files = job_files(replace(JOB, cases=(replace(CASE, stalls=stalls),)))
    assert files["case0_a.stall"].splitlines()[:2] == ["0 24", "1 10000"]
    assert files["case0_o.stall"].splitlines()[:4] == ["0 1", "1 3"] * 2


@pytest.mark.parametrize("word", [-1, 0x200])
def test_a_word_must_fit(word: int) -> None:
    case = replace(CASE, inputs={"a": [0, word]})
    with pytest.raises(ValueError, match="word 1 does not fit 9 bits"):
        job_files(replace(JOB, cases=(case,)))


def test_every_port_needs_its_words_and_names_are_unique() -> None:
    with pytest.raises(ValueError, match="case c: words"):
        replace(JOB, cases=(replace(CASE, expected={}),))
    with pytest.raises(ValueError, match="case c: words"):
        replace(JOB, cases=(replace(CASE, inputs={"a": [], "o": []}),))
    with pytest.raises(ValueError, match="two cases"):
        replace(JOB, cases=(CASE, CASE))
    with pytest.raises(ValueError, match="two ports"):
        replace(JOB, ports=(IN, IN, OUT))


def test_harness_declares_every_public_signal() -> None:
    text = harness("m", JOB.ports)
    for name in public_signals(JOB.ports):
        assert f" {name}" in text
    assert ".s_axis_a_tdata(data_a[8:0])" in text
    assert ".m_axis_o_tready(ready_o)" in text

"""Spaces and goals that make no sense: every mistake at once, each at its key."""

import pytest
from tilewright.dse.space import Space
from tilewright.dse.space_checks import SpaceError, conflicts_of
from tilewright.dse.space_domains import Linked, Listed, Parameter, Powers, Range, When
from tilewright.dse.space_goals import Constraint, Goals, Objective


def one(path: str, domain, **more) -> Parameter:
    return Parameter(path=path, domain=domain, **more)


A = one("a", Listed(values=(1, 2)))
TEXT = one("t", Listed(values=("x", "y")))

CASES = {
    "empty_list": ([one("a", Listed(values=()))], "parameters.a.values: must have at least one"),
    "twice": ([one("a", Listed(values=(1, 2, 1)))], "parameters.a.values.2: values must differ"),
    "empty_range": ([one("a", Range(start=5, stop=3))], "parameters.a.stop: must be at least"),
    "no_step": ([one("a", Range(start=1, stop=3, step=0))], "parameters.a.step: must be above 0"),
    "explodes": ([one("a", Range(start=0, stop=10**15))], "at most 100000 values"),
    "fine_step": ([one("a", Range(start=0, stop=1, step=1e-9))], "got 1000000001"),
    "no_power": ([one("a", Powers(start=4, stop=48))], "write 32 or 64"),
    "power_zero": ([one("a", Powers(start=0, stop=4))], "parameters.a.start: must be a power"),
    "powers_reversed": ([one("a", Powers(start=8, stop=4))], "parameters.a.stop: must be at least"),
    "path_twice": ([A, A], "parameters.a: is there twice"),
    "no_source": ([A, one("b", Linked(times=("aa",)))], "did you mean `a`?"),
    "link_of_nothing": ([A, one("b", Linked(times=()))], "parameters.b.times: must name"),
    "self": ([A, one("b", Linked(times=("b",)))], "depends on itself, got b -> b"),
    "cycle": (
        [A, one("b", Linked(times=("c", "a"))), one("c", Linked(times=("b",)))],
        "depends on itself, got b -> c -> b",
    ),
    "cycle_of_conditions": (
        [
            one("a", Listed(values=(1, 2)), when=When(path="b", among=(1,))),
            one("b", Listed(values=(1, 2)), when=When(path="a", among=(1,))),
        ],
        "depends on itself, got a -> b -> a",
    ),
    "nothing": ([], "parameters: must name at least one parameter with values"),
    "only_links": ([one("b", Linked(times=("b",)))], "depends on itself, got b -> b"),
    "only_links_in_a_cycle": (
        [one("b", Linked(times=("c",))), one("c", Linked(times=("b",)))],
        "parameters.b: depends on itself, got b -> c -> b",
    ),
    "only_a_link_to_nothing": ([one("b", Linked(times=("c",)))], "sweep does not have, got c"),
    "by_zero_twice": (
        [one("z", Listed(values=(0, 1))), one("b", Linked(times=("z",), divided_by=("z",)))],
        "divides by a parameter that can be 0, got z",
    ),
    "when_of_link": (
        [A, one("b", Linked(times=("a",))),
         one("c", Listed(values=(1,)), when=When(path="b", among=(1,)))],
        "parameters.c.when: must ask a parameter with values",
    ),
    "when_never": (
        [TEXT, one("c", Listed(values=(1,)), when=When(path="t", among=("xx",)))],
        "parameters.c.when.t.0: is no value of t",
    ),
    "when_of_no_value": (
        [TEXT, one("c", Listed(values=(1,)), when=When(path="t", among=()))],
        "parameters.c.when: must name a value",
    ),
    "link_of_text": ([TEXT, one("b", Linked(times=("t",), factor=2))], "not a number everywhere"),
    "link_by_zero": (
        [A, one("z", Listed(values=(0, 1))), one("b", Linked(times=("a",), divided_by=("z",)))],
        "divides by a parameter that can be 0, got z",
    ),
    "link_of_absent": (
        [TEXT, one("c", Listed(values=(1,)), when=When(path="t", among=("x",))),
         one("b", Linked(times=("c",), factor=2))],
        "absent in some designs, got c",
    ),
    "link_explodes": (
        [one("a", Listed(values=(10**9,))), one("b", Linked(times=("a", "a")))],
        "must stay below 2^53",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_each_mistake_is_told(case: str) -> None:
    parameters, expected = CASES[case]
    with pytest.raises(SpaceError) as caught:
        Space(parameters=tuple(parameters))
    assert expected in str(caught.value)
    assert len(caught.value.conflicts) == 1


def test_all_mistakes_come_at_once() -> None:
    parameters = (
        one("array.rwos", Powers(start=3, stop=64)),
        one("array.cols", Range(start=9, stop=1)),
        one("b", Linked(times=("array.colls",)), is_derived=True),
    )
    found = conflicts_of(parameters, ["array.rows", "array.cols"])
    paths = [conflict.path for conflict in found]
    assert paths == [
        ("parameters", "array.rwos", "start"),
        ("parameters", "array.cols", "stop"),
        ("parameters", "array.rwos"),
        ("parameters", "b"),
    ]
    assert found[2].help == "did you mean `array.rows`?"
    assert found[3].help == "did you mean `array.cols`?"


def test_a_derived_parameter_needs_no_key() -> None:
    space = Space(
        parameters=(A, one("pes", Linked(times=("a", "a")), is_derived=True)), known_paths=("a",)
    )
    assert space.size == 2


def test_goals_name_what_is_measured() -> None:
    goals = Goals(
        objectives=(Objective(metric="cylces"), Objective(metric="lut"), Objective(metric="lut")),
        constraints=(
            Constraint(name="fits", metric="lut", minimum=5, maximum=4),
            Constraint(name="free", metric="lut"),
            Constraint(name="fits", metric="arae", maximum=3),
            Constraint(name="pes", metric="rows", maximum=3),
        ),
    )
    with pytest.raises(SpaceError) as caught:
        goals.check(["cycles", "lut", "area"], ["rows"])
    text = str(caught.value)
    for expected in (
        "objectives.cylces: names a metric that is not measured, got cylces\n"
        "  help: did you mean `cycles`?",
        "objectives.lut: is there twice",
        "constraints.fits: the minimum is above the maximum: nothing meets it, got 5 to 4",
        "constraints.free: must have a minimum or a maximum",
        "help: did you mean `area`?",
        "constraints.fits: is there twice",
    ):
        assert expected in text
    assert len(caught.value.conflicts) == 6
    with pytest.raises(SpaceError, match="at least one metric"):
        Goals(objectives=()).check(["cycles"])

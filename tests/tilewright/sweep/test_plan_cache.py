"""Plans that designs share: remembered where nothing differs on which they depend."""

import itertools
import os

import pytest
from tilewright.dse.sweep_collect import listed_rows

from tilewright.catalog import load_spec
from tilewright.flow.design import compiled, machine_of
from tilewright.flow.plan_cache import PlanCache

BATCH = 4
SAME = ({"latency": 3}, {"latency": 90}, {"bytes_per_cycle": 8}, {"bytes_per_cycle": 64})
OTHER = (
    {"rows": 1},
    {"capacity": "8KiB"},
    {"bytes_per_cycle": 2},
    {"dataflow": "weight_stationary"},
)


@pytest.mark.parametrize("dataflow", ["output_stationary", "weight_stationary"])
def test_answers_are_those_of_a_new_plan(tiny_spec, tmp_path, dataflow: str) -> None:
    cache = PlanCache()
    hits = 0
    for number, changes in enumerate([{}, *SAME, *OTHER, {}]):
        spec = load_spec(tiny_spec(tmp_path, **{"dataflow": dataflow, **changes}))
        os.utime(spec.model_path, (1, 1))  # it is written anew, with the same contents
        machine = machine_of(spec)
        graph, plan, program = cache(spec, machine, BATCH)
        _, new_plan, new_program = compiled(spec, machine, BATCH)
        assert program == new_program
        assert plan.tasks == new_plan.tasks
        assert (plan.loads, plan.stores) == (new_plan.loads, new_plan.stores)
        assert plan.memory == new_plan.memory
        assert {tensor.name for tensor in graph.tensors} >= {op.outputs[0] for op in graph.ops}
        hits += number in (1, 2, 3, 4)  # the memory's latency and width alone
    assert cache.hits >= hits


PLANNED = "\nschedule: {objective: bytes, time_limit: 10s}\n"
SAME_CHOICE = ({"bytes_per_cycle": 2}, {"latency": 90}, {"address_bits": 40})
OTHER_CHOICE = ({"rows": 1}, {"capacity": "2KiB"})


def test_the_planner_searches_once_for_all_that_it_depends_on(tiny_spec, tmp_path) -> None:
    cache, moved = PlanCache(), {}
    for number, changes in enumerate([{}, *SAME_CHOICE, *OTHER_CHOICE]):
        path = tiny_spec(tmp_path, **changes)
        with path.open("a") as file:
            file.write(PLANNED)
        spec = load_spec(path)
        os.utime(spec.model_path, (1, 1))
        machine = machine_of(spec)
        _, plan, program = cache(spec, machine, BATCH)
        _, new_plan, new_program = compiled(spec, machine, BATCH)
        assert program == new_program
        assert (plan.loads, plan.stores) == (new_plan.loads, new_plan.stores)
        assert cache.searches == max(1, number - len(SAME_CHOICE) + 1)
        moved[number] = sum(transfer.words for transfer in (*plan.loads, *plan.stores))
    assert len({moved[number] for number in range(len(SAME_CHOICE) + 1)}) == 1


def test_rows_that_are_listed_of_many() -> None:
    assert listed_rows(range(10), [3], most=10) == list(range(10))
    assert len(listed_rows(range(1010), [3], most=1000)) >= 998  # pieces of hardly more than one
    rows = listed_rows(range(1_000_000), [7, 999_999], most=1000)
    assert {7, 999_999} <= set(rows)
    assert 990 <= len(rows) <= 1000
    assert rows == sorted(set(rows))
    assert len({row % 10 for row in rows}) == 10  # no value of the last parameter is missed
    gaps = [b - a for a, b in itertools.pairwise(rows)]
    assert max(gaps) < 2100
    assert rows == listed_rows(range(1_000_000), [7, 999_999], most=1000)

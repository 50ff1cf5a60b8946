"""The untimed run finds deadlocks, lost tokens and shared ports."""

import dataclasses

import numpy as np
import pytest
from tilewright.dataflow.compile import compile_graph
from tilewright.dataflow.ports import check_ports
from tilewright.dataflow.program import Command, Program
from tilewright.dataflow.untimed import (
    STEPPED,
    Deadlock,
    ProgramError,
    initial_tokens,
    run_untimed,
    unit_steps,
    walk,
)

from tilewright.machines import systolic_machine
from tilewright.workloads import matmul_graph


@pytest.fixture(scope="module")
def program() -> Program:
    machine = systolic_machine(rows=4, cols=4, lanes=4, scratchpad_bytes=8 * 256, banks=8)
    return compile_graph(matmul_graph(18, 24, (20, 8), seed=1), machine)[1]


def changed(program: Program, unit: str, index: int, **fields: object) -> Program:
    queue = list(program.units[unit])
    queue[index] = dataclasses.replace(queue[index], **fields)
    return dataclasses.replace(program, units={**program.units, unit: tuple(queue)})


def test_walk_has_the_levels_of_the_contract():
    assert list(walk((2, 1, 2), 0)) == [
        ((0, 0, 0), 3, 0),
        ((1, 0, 0), 0, 2),
        ((0, 0, 1), 2, 0),
        ((1, 0, 1), 0, 3),
    ]
    assert list(walk((5, 2), 1)) == [((0, 0), 2, 1), ((0, 1), 1, 2)]
    assert list(walk((), 0)) == [((), 0, 0)]


def test_a_whole_program_completes_in_every_order(program):
    steps = run_untimed(program)
    for seed in range(5):
        rng = np.random.default_rng(seed)
        assert run_untimed(program, None, lambda r, g=rng: r[g.integers(len(r))]) == steps


def test_the_highest_counts_are_within_the_stated_maxima(program):
    """A token is highest when its consumer goes last; the counters are as wide as that needs."""
    for token in program.tokens:
        total = token.initial + _signalled_alone(program, token.name, token.consumer)
        assert total <= token.maximum, token


def _signalled_alone(program: Program, token: str, consumer: str) -> int:
    """Run with the consumer of `token` frozen after each of its steps; the most it ever held."""
    counts = initial_tokens(program)
    before = counts[token]
    units = {name: unit_steps(name, queue, counts) for name, queue in program.units.items()}
    alive = set(units)
    most = before
    while alive:
        others = sorted(alive - {consumer})
        is_moving = True
        while is_moving:
            is_moving = False
            for name in others:
                while name in alive and (result := next(units[name], None)) == STEPPED:
                    is_moving = True
                if name in alive and result is None:
                    alive.discard(name)
            others = [name for name in others if name in alive]
        most = max(most, counts[token])
        if consumer in alive and next(units[consumer], None) is None:
            alive.discard(consumer)
    return most - before


def test_a_missing_signal_is_a_deadlock(program):
    with pytest.raises(Deadlock, match=r"array\.a waits for a_ready") as caught:
        run_untimed(changed(program, "load", 0, signals=()))
    assert caught.value.waiting["array.a"] == "a_ready"


def test_loads_in_the_wrong_order_are_a_deadlock(program):
    """B panels before the row tiles: the ring fills, the head of the queue waits for ever."""
    loads = program.units["load"]
    is_b = [any(wait.token == "b_free" for wait in command.waits) for command in loads]
    order = [c for c, b in zip(loads, is_b, strict=True) if b]
    order += [c for c, b in zip(loads, is_b, strict=True) if not b]
    with pytest.raises(Deadlock, match="load waits for b_free"):
        run_untimed(dataclasses.replace(program, units={**program.units, "load": tuple(order)}))


def test_a_surplus_signal_is_found(program):
    last = program.units["array.b"][-1]
    surplus = tuple(dataclasses.replace(s, count=s.count + 1) for s in last.signals)
    with pytest.raises(ProgramError, match=r"tokens left or lost: b_free \d+ -> \d+"):
        run_untimed(changed(program, "array.b", -1, signals=surplus))


def test_a_token_below_the_grain_is_refused(program):
    first: Command = program.units["array.a"][0]
    waits = tuple(dataclasses.replace(wait, level=0) for wait in first.waits)
    with pytest.raises(ProgramError, match=r"array\.a: a token of read below level 1"):
        run_untimed(changed(program, "array.a", 0, waits=waits))


def test_ports_are_apart(program):
    check_ports(program, 64)
    b_base = program.units["array.b"][0].bases
    with pytest.raises(ProgramError, match=r"array\.a and array\.b both use bank"):
        check_ports(changed(program, "array.a", 0, bases=dict(b_base)), 64)
    o_base = program.units["array.o"][0].bases["local"]
    load = program.units["load"][-1]
    moved = {**load.bases, "local": o_base}
    with pytest.raises(ProgramError, match=r"load and array\.o both use bank"):
        check_ports(changed(program, "load", -1, bases=moved), 64)

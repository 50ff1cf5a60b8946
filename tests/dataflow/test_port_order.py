"""Units that share banks must be kept apart by tokens; programs where they are not are refused."""

import dataclasses
from collections.abc import Callable

import pytest
from tilewright.dataflow.compile import compile_graph
from tilewright.dataflow.plan import Plan
from tilewright.dataflow.ports import check_ports, unit_spans
from tilewright.dataflow.program import Command, Loop, Program, Signal, Token, Wait
from tilewright.dataflow.untimed import ProgramError, run_untimed

from tilewright.machines import systolic_machine
from tilewright.workloads import matmul_graph, matmul_tree

MACHINE = systolic_machine(rows=4, cols=4, lanes=16, banks=8, scratchpad_bytes=8 * 32 * 16)
GRAPH = matmul_tree(7, 64, [(-1, 160), (0, 160), (1, 96), (0, 160), (3, 96)], seed=2)
WORDS = 32


@pytest.fixture(scope="module")
def planned() -> tuple[Plan, Program]:
    """A program with spills and reloads, which uses every token."""
    return compile_graph(GRAPH, MACHINE, "bytes", 2.0)


def without(program: Program, token: str) -> Program:
    """The program with every wait and signal of a token left out: it still balances."""
    units = {
        unit: tuple(
            dataclasses.replace(
                command,
                waits=tuple(w for w in command.waits if w.token != token),
                signals=tuple(s for s in command.signals if s.token != token),
            )
            for command in queue
        )
        for unit, queue in program.units.items()
    }
    return dataclasses.replace(program, units=units)


def test_the_program_is_accepted(planned: tuple[Plan, Program]) -> None:
    _, program = planned
    used = {wait.token for queue in program.units.values() for c in queue for wait in c.waits}
    assert used == {token.name for token in program.tokens}
    run_untimed(program)
    check_ports(program, WORDS)


@pytest.mark.parametrize(
    ("token", "message"),
    [
        ("s_done", r"array\.a and store both use bank \d+, .* command \d+ of store apart"),
        ("o_ready", r"array\.a and store both use bank"),
        ("o_written", r"load and array\.o both use bank"),
        ("a_ready", r"load and array\.o both use bank"),
        ("b_ready", r"array\.b and load both use word \d+, .* command \d+ of load apart"),
        ("b_free", r"array\.b and load both use word"),
        ("a_free", r"array\.a and load both use word"),
    ],
)
def test_a_missing_token_is_told(planned: tuple[Plan, Program], token: str, message: str) -> None:
    """For some timing two units would meet at a port, or at a word that one of them writes."""
    program = without(planned[1], token)
    run_untimed(program)
    with pytest.raises(ProgramError, match=message):
        check_ports(program, WORDS)


@pytest.mark.parametrize("token", ["a_ready", "b_ready", "a_free", "b_free", "stored"])
def test_every_token_is_needed(
    planned: tuple[Plan, Program], wrong_values: Callable[..., int], token: str
) -> None:
    """Without it some order of the units gives wrong values."""
    plan, program = planned
    assert wrong_values(GRAPH, plan, without(program, token), MACHINE, 3)
    assert not wrong_values(GRAPH, plan, program, MACHINE, 3)


def test_results_must_be_written_before_they_are_read(wrong_values: Callable[..., int]) -> None:
    """One tile of one panel: the word that is read first is the one that is written last."""
    graph = matmul_graph(3, 16, (16, 16), seed=1)
    plan, program = compile_graph(graph, MACHINE, "bytes")
    planted = without(program, "o_done")
    with pytest.raises(ProgramError, match=r"array\.a and array\.o both use word"):
        check_ports(planted, WORDS)
    assert wrong_values(graph, plan, planted, MACHINE, 3)
    assert not wrong_values(graph, plan, program, MACHINE, 3)


def test_a_signal_too_early_is_refused(planned: tuple[Plan, Program]) -> None:
    """One signal of a store moved to the store before it: the counters still balance."""
    _, program = planned
    stores = list(program.units["store"])
    at = next(i for i, c in enumerate(stores[1:], 1) if any(s.token == "s_done" for s in c.signals))
    moved = next(s for s in stores[at].signals if s.token == "s_done")
    rest = tuple(s for s in stores[at].signals if s.token != "s_done")
    earlier = stores[at - 1]
    mine = sum(s.count for s in earlier.signals if s.token == "s_done")
    kept = tuple(s for s in earlier.signals if s.token != "s_done")
    both = dataclasses.replace(moved, count=moved.count + mine)
    stores[at - 1] = dataclasses.replace(earlier, signals=(*kept, both))
    stores[at] = dataclasses.replace(stores[at], signals=rest)
    planted = dataclasses.replace(program, units={**program.units, "store": tuple(stores)})
    run_untimed(planted)
    with pytest.raises(ProgramError, match=r"array\.a and store both use bank"):
        check_ports(planted, WORDS)


def test_a_token_for_half_a_panel_is_refused(planned: tuple[Plan, Program]) -> None:
    """Weights loaded in runs of half a panel: the array begins while the second is on its way."""
    _, program = planned

    def halved(command: Command) -> Command:
        if all(signal.token != "b_ready" for signal in command.signals):
            return command
        words = command.fields["run_words"] // 2
        half = Loop(bound=2, strides={"local": words, "memory": words})
        fields = {**command.fields, "run_words": words}
        waits = tuple(dataclasses.replace(wait, level=wait.level + 1) for wait in command.waits)
        loops = (half, *command.loops)
        return dataclasses.replace(command, loops=loops, fields=fields, waits=waits)

    loads = tuple(halved(command) for command in program.units["load"])
    planted = dataclasses.replace(program, units={**program.units, "load": loads})
    with pytest.raises(ProgramError, match=r"array\.b and load both use word"):
        check_ports(planted, WORDS)


def test_results_in_the_banks_of_weights_are_refused(planned: tuple[Plan, Program]) -> None:
    _, program = planned
    queue = list(program.units["array.a"])
    base = program.units["array.b"][0].bases["local"]
    queue[0] = dataclasses.replace(queue[0], bases={"local": base})
    planted = dataclasses.replace(program, units={**program.units, "array.a": tuple(queue)})
    with pytest.raises(ProgramError, match=r"array\.a and array\.b both use bank \d+"):
        check_ports(planted, WORDS)


def small(store_level: int, wait_count: int) -> Program:
    """Two stores of two runs each and a read of their bank, with one token between them."""
    give = Signal(token="over", count=1, level=store_level, kind="read")
    wait = Wait(token="over", count=wait_count, level=2)
    two = Loop(bound=2, strides={"local": 1})
    store = Command(
        operation="store",
        loops=(two,),
        bases={"local": 0, "memory": 0},
        fields={"run_words": 1},
        signals=(give,),
    )
    read = Command(operation="read", loops=(two, two), bases={"local": 0}, waits=(wait,))
    return Program(
        units={"store": (store, store), "array.a": (read,)},
        tokens=(Token(name="over", producer="store", consumer="array.a", maximum=4),),
    )


@pytest.mark.parametrize(
    ("level", "count", "is_apart"),
    [(1, 2, True), (1, 1, False), (0, 4, True), (0, 3, False), (0, 2, False)],
)
def test_clocks_by_hand(level: int, count: int, is_apart: bool) -> None:
    """At level 1 a command gives one token, at level 0 one for each of its two runs."""
    program = small(level, count)
    (span,) = unit_spans(program)["array.a"]
    steps = count if level == 0 else 2 * count
    assert span.before[list(program.units).index("store")] == steps
    if is_apart:
        check_ports(program, WORDS)
    else:
        with pytest.raises(ProgramError, match=r"array\.a and store both use bank 0"):
            check_ports(program, WORDS)

"""A planned schedule as a program for an output-stationary array.

For each step (a task): its loads, the array's commands, its stores, each in the order of its unit's
queue. Blocks and weights are used where they lie. What must wait is found from the places of the
commands (`edges`), so a load runs ahead as far as nothing needs its place or its banks' port:

| token | producer | consumer | the consumer waits until |
|---|---|---|---|
| `a_ready` | load | array.a | the blocks loaded for this step are there |
| `b_ready` | load | array.b | a panel loaded for this step is there |
| `a_free`, `b_free` | array.a, array.b | load | what lay there has been read for the last time |
| `p_free` | array.core | load | the core can hold another panel's parameters |
| `o_written` | array.o | load | results for the same banks have been written |
| `o_done` | array.o | array.a | the results that are read now have been written |
| `o_ready` | array.o | store | the results of the step have been written |
| `s_done` | store | array.a | stores from the same banks, or from where the results go, have read |
| `stored` | store | load | memory has answered, and what lay there has been read |
"""

from __future__ import annotations

from collections.abc import Iterator

from ..graph import Graph
from ..machine import Machine
from ..plan import Plan, Residency, Transfer
from ..program import Program, Token
from ..tiling import array_shape, matmuls
from .actions import Lowering, Tile, array_actions, load_actions, store_action
from .edges import MOST_TOKENS, Action, Place, Rule, with_tokens

UNITS = ("load", "store", "array.a", "array.b", "array.core", "array.o")


def _is_block_load(earlier: Action) -> bool:
    return earlier.writes is not None and not earlier.is_weight


def _overlap(one: Place | None, other: Place | None) -> bool:
    return one is not None and other is not None and one.overlaps(other)


def _share(one: Place | None, other: Place | None) -> bool:
    return one is not None and other is not None and one.shares_bank(other)


RULES = (
    Rule(
        token="a_ready",
        producer="load",
        consumer="array.a",
        applies=lambda earlier, later: _is_block_load(earlier),
    ),
    Rule(
        token="a_free",
        producer="array.a",
        consumer="load",
        applies=lambda earlier, later: _overlap(earlier.reads, later.writes),
    ),
    Rule(
        token="b_free",
        producer="array.b",
        consumer="load",
        applies=lambda earlier, later: _overlap(earlier.reads, later.writes),
    ),
    Rule(
        token="o_written",
        producer="array.o",
        consumer="load",
        applies=lambda earlier, later: _share(earlier.writes, later.writes),
    ),
    Rule(
        token="o_done",
        producer="array.o",
        consumer="array.a",
        applies=lambda earlier, later: _overlap(earlier.writes, later.reads),
    ),
    Rule(
        token="o_ready",
        producer="array.o",
        consumer="store",
        applies=lambda earlier, later: True,
    ),
    Rule(
        token="s_done",
        producer="store",
        consumer="array.a",
        applies=lambda earlier, later: (
            _share(earlier.reads, later.reads) or _overlap(earlier.reads, later.ahead)
        ),
        kind="read",
        is_round=True,
    ),
    Rule(
        token="stored",
        producer="store",
        consumer="load",
        applies=lambda earlier, later: (
            earlier.block == later.block or _overlap(earlier.reads, later.writes)
        ),
        kind="response",
        is_round=True,
    ),
)


def resident_program(graph: Graph, plan: Plan, machine: Machine) -> Program:
    """The commands that carry out `plan`, made by `plan_resident`."""
    lowering = _lowering(graph, plan, machine)
    commands, tokens = with_tokens(list(_actions(lowering, graph)), RULES)
    units = {unit: tuple(commands.get(unit, ())) for unit in UNITS}
    return Program(units=units, tokens=(*tokens, *_counted_tokens(lowering)))


def resident_tasks(graph: Graph, plan: Plan, machine: Machine) -> dict[str, tuple[int, ...]]:
    """For each unit, which task each of its commands is part of."""
    actions = list(_actions(_lowering(graph, plan, machine), graph))
    return {unit: tuple(a.step for a in actions if a.unit == unit) for unit in UNITS}


def _lowering(graph: Graph, plan: Plan, machine: Machine) -> Lowering:
    array = array_shape(machine)
    places: dict[Tile, list[Residency]] = {}
    for residency in plan.residencies:
        places.setdefault((residency.tensor, residency.tile), []).append(residency)
    return Lowering(
        plan=plan,
        sizes={size.op: size for size in matmuls(graph, array)},
        rows={
            name: graph.tensor(name).shape[0]
            for op in graph.ops
            for name in (op.inputs[0], op.outputs[0])
        },
        array=array,
        bank_words=machine.scratchpad.words_per_bank,
        places={tile: tuple(found) for tile, found in places.items()},
    )


def _counted_tokens(low: Lowering) -> tuple[Token, ...]:
    """Those that count panels: parameters in the core, weights in their banks."""
    sets = low.array.param_sets // low.array.subpanels
    weights = {task.operands[1].tensor: low.sizes[task.op] for task in low.plan.tasks}
    loaded = sum(
        transfer.words // weights[transfer.tensor].b_panel_words
        for transfer in low.plan.loads
        if transfer.tensor in weights
    )
    banks = low.plan.bank_range("weights").num_banks * low.bank_words
    room = banks // min(size.b_panel_words for size in weights.values())
    panels = max(1, min(loaded, room, MOST_TOKENS))
    return (
        Token(name="b_ready", producer="load", consumer="array.b", maximum=panels),
        Token(name="p_free", producer="array.core", consumer="load", initial=sets, maximum=sets),
    )


def _actions(low: Lowering, graph: Graph) -> Iterator[Action]:
    """All commands in an order in which they may run one after the other."""
    coming: list[list[Transfer]] = [[] for _ in low.plan.tasks]
    going: list[list[Transfer]] = [[] for _ in low.plan.tasks]
    for transfer in low.plan.loads:
        coming[transfer.step].append(transfer)
    for transfer in low.plan.stores:
        going[transfer.step].append(transfer)
    weights = {op.inputs[1] for op in graph.ops}
    for step, task in enumerate(low.plan.tasks):
        yield from load_actions(low, step, task, coming[step], weights)
        yield from array_actions(low, step, task)
        for transfer in going[step]:
            yield store_action(low, step, transfer)

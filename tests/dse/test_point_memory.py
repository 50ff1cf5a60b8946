"""The memory maps of a design: every bank range, every word that a program touches, all tensors."""

import itertools

import pytest
from test_point_detail import CASES, design
from tilewright.dataflow.program import Command
from tilewright.dse.point_detail import Stay
from tilewright.dse.point_memory import RESULTS, WEIGHTS, all_stays, in_memory


def touched(command: Command) -> range:
    """The words of the scratchpad from a command's first to its last."""
    first = command.bases["local"]
    reach = sum(loop.strides.get("local", 0) * (loop.bound - 1) for loop in command.loops)
    return range(first, first + reach + command.fields["run_words"])


def is_held(word: int, stays: list[Stay]) -> bool:
    return any(stay.start <= word < stay.start + stay.words for stay in stays)


@pytest.mark.parametrize(("model", "name", "objective"), CASES)
def test_every_range_and_every_word_is_shown(model: str, name: str, objective: str) -> None:
    _, machine, plan, program = design(model, name, objective)
    stays = all_stays(plan, machine)
    per_bank = machine.scratchpad.words_per_bank
    assert {stay.banks for stay in stays} == {banks.name for banks in plan.banks}
    for stay in stays:
        banks = plan.bank_range(stay.banks)
        assert banks.start * per_bank <= stay.start, stay
        assert stay.start + stay.words <= banks.end * per_bank, stay
    for unit in ("load", "store"):
        for command in program.units[unit]:
            if command.fields.get("target", 0) == 0:
                words = touched(command)
                assert is_held(words[0], stays), (unit, command)
                assert is_held(words[-1], stays), (unit, command)


@pytest.mark.parametrize("name", ["small", "rows"])
def test_rings_are_reserved_for_the_whole_program(name: str) -> None:
    """And each task's results lie in slots of theirs, while it runs."""
    _, machine, plan, _ = design("chain", name)
    stays = all_stays(plan, machine)
    reserved = {stay.tensor: stay for stay in stays if stay.is_reserved}
    assert set(reserved) == {WEIGHTS, RESULTS}
    ring = reserved[WEIGHTS]
    assert ring.words == plan.settings["b_slots"] * plan.settings["b_slot_words"]
    end = max(stay.to_step for stay in stays)
    assert all((stay.from_step, stay.to_step) == (0, end) for stay in reserved.values())
    results = [stay for stay in stays if stay.banks == "o" and not stay.is_reserved]
    assert {stay.tensor for stay in results} == {task.results[0].tensor for task in plan.tasks}
    assert sum(stay.to_step - stay.from_step for stay in results) == end


@pytest.mark.parametrize(("model", "name", "objective"), CASES[:4])
def test_off_chip_memory_holds_all_tensors(model: str, name: str, objective: str) -> None:
    _, machine, plan, _ = design(model, name, objective)
    found = in_memory(plan, machine)
    assert {item.tensor for item in found} == {item.tensor for item in plan.memory}
    assert all(a.start + a.size <= b.start for a, b in itertools.pairwise(found))
    assert found[-1].start + found[-1].size <= plan.memory_words * machine.word_bytes

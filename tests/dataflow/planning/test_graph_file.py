"""Graph files: what is read, and what is wrong with a file, at which place."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tilewright.dataflow.planning.graph_file import MAX_BYTES, problem_of, read_problem

from tilewright.spec.diagnostics import SpecError

FILE = Path("net.json")


def tensor(identity, size=4, **more):
    return {"id": identity, "bytes": size, **more}


def op(identity, inputs, outputs, **more):
    return {"id": identity, "inputs": inputs, "outputs": outputs, **more}


def graph(tensors, ops, **more):
    return {"tensors": tensors, "ops": ops, **more}


def two(**more):
    """t0 -> t1."""
    return graph([tensor(0), tensor(1, **more)], [op(0, [], [0]), op(1, [0], [1], name="add")])


def test_operators_may_come_in_any_order_and_names_need_not_be_distinct():
    content = graph(
        [tensor(7, 2, name="x"), tensor(3, 5, name="x")],
        [op(9, [7], [3], weight_bytes=11), op(4, [], [7])],
        name="net",
    )
    problem = problem_of(content, FILE)
    assert [(item.name, item.size) for item in problem.items] == [("7:x", 2), ("3:x", 5)]
    assert [(s.name, s.reads, s.writes) for s in problem.steps] == [
        ("4", (), (0,)),
        ("9", (0,), (1,)),
    ]
    assert problem.budget == problem.least_budget == 7
    everything = problem_of(content, FILE, 20, weights="all")
    assert everything.items[2].size == 11
    assert everything.compulsory_bytes == (11, 5)
    assert problem.compulsory_bytes == (0, 5)


RANGE = f"must be an integer from 1 to {MAX_BYTES}"
BAD = {
    "no object": ([], "", "must be an object"),
    "nothing in it": ({}, "tensors", "at least one entry"),
    "no operators": (graph([tensor(0)], []), "ops", "at least one entry"),
    "not a list": (graph([tensor(0)], {"a": 1}), "ops", "must be a list"),
    "name": ({**two(), "name": 3}, "name", "must be a text"),
    "a cycle": (
        graph([tensor(0), tensor(1)], [op(5, [1], [0]), op(6, [0], [1])]),
        "operator 5 -> 6", "form a cycle",
    ),
    "its own input": (graph([tensor(0)], [op(0, [0], [0])]), "operator 0", "reads tensor 0"),
    "made twice": (
        graph([tensor(0)], [op(0, [], [0]), op(1, [], [0])]),
        "operator 1", "tensor 0 is made twice, also by 0",
    ),
    "made twice by one": (
        graph([tensor(0)], [op(0, [], [0, 0])]), "operator 0", "tensor 0 is made twice",
    ),
    "never made nor read": (
        graph([tensor(0), tensor(8, name="lost")], [op(0, [], [0])]),
        "tensor 8:lost", "no operator makes or reads it",
    ),
    "unknown input": (graph([tensor(0)], [op(0, [4], [0])]), "operator 0", "there is no tensor 4"),
    "unknown output": (graph([tensor(0)], [op(0, [0], [4])]), "operator 0", "there is no tensor 4"),
    "size zero": (two(size=0), "tensors[1].bytes", RANGE),
    "size negative": (two(size=-4), "tensors[1].bytes", RANGE),
    "size huge": (two(size=MAX_BYTES + 1), "tensors[1].bytes", RANGE),
    "size a fraction": (two(size=4.0), "tensors[1].bytes", RANGE),
    "size a truth": (two(size=True), "tensors[1].bytes", RANGE),
    "size a text": (two(size="4"), "tensors[1].bytes", RANGE),
    "size not a number": (two(size=float("nan")), "tensors[1].bytes", RANGE),
    "size missing": (
        graph([{"id": 0}], [op(0, [], [0])]), "tensors[0].bytes", RANGE,
    ),
    "tensor ids": (graph([tensor(0), tensor(0)], [op(0, [], [0])]), "tensors", "id 0 is used 2"),
    "operator ids": (
        graph([tensor(0), tensor(1)], [op(3, [], [0]), op(3, [0], [1])]), "ops", "id 3 is used 2",
    ),
    "id a text": (graph([tensor("a")], [op(0, [], [0])]), "tensors[0]", "an integer `id`"),
    "id negative": (graph([tensor(-1)], [op(0, [], [-1])]), "tensors[0]", "an integer `id`"),
    "an operator that is none": (graph([tensor(0)], [7]), "ops[0]", "must be an object"),
    "inputs": (graph([tensor(0)], [op(0, "0", [0])]), "ops[0].inputs", "a list of tensor ids"),
    "inputs of texts": (
        graph([tensor(0)], [op(0, ["0"], [0])]), "ops[0].inputs", "a list of tensor ids",
    ),
    "no outputs": (graph([tensor(0)], [op(0, [0], [])]), "ops[0].outputs", "must name a tensor"),
    "weights": (
        graph([tensor(0)], [op(0, [], [0], weight_bytes=-1)]),
        "ops[0].weight_bytes", "must be an integer from 0",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_what_is_wrong_is_said_with_its_place(name):
    content, place, words = BAD[name]
    with pytest.raises(SpecError) as caught:
        problem_of(content, FILE)
    found = [(d.path, d.rule) for d in caught.value.diagnostics]
    assert any(path == place and words in rule for path, rule in found), found


def test_several_faults_are_said_at_once():
    with pytest.raises(SpecError) as caught:
        problem_of(graph([tensor(0, 0), tensor(1, -1)], [op(0, [], [])]), FILE)
    assert len(caught.value.diagnostics) == 3


def test_a_budget_below_an_operator_names_it_its_operands_and_what_is_enough():
    with pytest.raises(SpecError) as caught:
        problem_of(two(size=5), FILE, budget=8)
    (only,) = caught.value.diagnostics
    assert only.path == "budget"
    assert only.rule == (
        "operator 1:add needs 9 bytes (0 4, 1 5), the budget is 8; the least budget that works is 9"
    )


@pytest.mark.parametrize("budget", [0, -1, MAX_BYTES + 1, 2.5, True])
def test_budgets_that_are_none(budget):
    with pytest.raises(SpecError, match="budget: must be an integer from 1"):
        problem_of(two(), FILE, budget=budget)


@pytest.mark.parametrize(
    "data",
    [b"", b"{", b"\xff\xfe", b"[" * 100_000, b'{"a":' * 100_000, b"1" * 5_000, b"\x00"],
    ids=["empty", "open", "not text", "deep", "deep objects", "digits", "zero byte"],
)
def test_files_that_are_not_json(tmp_path, data):
    path = tmp_path / "bad.json"
    path.write_bytes(data)
    with pytest.raises(SpecError, match="is not JSON"):
        read_problem(path)


def test_files_that_cannot_be_read(tmp_path, monkeypatch):
    with pytest.raises(SpecError, match="cannot be read"):
        read_problem(tmp_path / "none.json")
    with pytest.raises(SpecError, match="cannot be read"):
        read_problem(tmp_path)
    path = tmp_path / "net.json"
    path.write_text(json.dumps(two()))
    assert read_problem(path).name == "net"
    monkeypatch.setattr("tilewright.dataflow.planning.graph_file.MAX_FILE_BYTES", 10)
    with pytest.raises(SpecError, match="at most 10 bytes"):
        read_problem(path)

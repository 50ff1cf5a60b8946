"""Planning problems of integer graphs: sizes in words of the scratchpad, aliases, constants."""

from typing import Any

import numpy as np
import pytest
from tilewright.dataflow.graph import Graph, Op, Tensor
from tilewright.dataflow.planning.graph_problem import problem_of_graph, scratchpad_bytes


def tensor(name: str, *shape: int, layout: str = "", **options: Any) -> Tensor:
    options.setdefault("number_format", "int8")
    return Tensor(name=name, shape=shape, layout=layout, **options)


@pytest.mark.parametrize(
    ("made", "lanes", "size"),
    [
        (tensor("a", 10, 64, layout="MK"), 16, 10 * 4 * 16),
        (tensor("a", 10, 65, layout="MK"), 16, 10 * 5 * 16),
        (tensor("a", 10, 3, layout="MK"), 8, 10 * 8),
        (tensor("a", 2, 17, 5, 7, layout="BCYX"), 16, 2 * 5 * 7 * 2 * 16),
        (tensor("a", 2, 17, 5, 7), 16, 2 * 17 * 5 * 16),
        (tensor("a", 4, 10, number_format="int32"), 16, 4 * 3 * 16),
        (tensor("a", 4, 10, number_format="int4"), 16, 4 * 16),
        (tensor("a", 4, 9, number_format="uint16"), 16, 4 * 2 * 16),
        (tensor("a"), 16, 16),
    ],
)
def test_channels_fill_whole_words(made: Tensor, lanes: int, size: int) -> None:
    assert scratchpad_bytes(made, lanes) == size


def constant(name: str, values: np.ndarray[Any, Any]) -> Tensor:
    return Tensor(name=name, shape=values.shape, number_format="int8", role="constant", data=values)


def two_branches() -> Graph:
    """x -> a -> reshaped -> b; x, b -> y; both ops of tables share one, `a` has its own too."""
    shared = constant("shared", np.zeros(256, np.int8))
    tensors = (
        tensor("x", 3, 20, layout="MK", role="input"),
        tensor("a", 3, 20, layout="MK"),
        tensor("flat", 60, 1, layout="MK"),
        tensor("b", 60, 1, layout="MK"),
        tensor("y", 60, 1, layout="MK", role="output"),
        shared,
    )
    ops = (
        Op(name="first", kind="table", inputs=("x", "shared"), outputs=("a",)),
        Op(name="view", kind="reshape", inputs=("a",), outputs=("flat",)),
        Op(name="second", kind="table", inputs=("flat", "shared"), outputs=("b",)),
        Op(name="third", kind="table", inputs=("b", "shared"), outputs=("y",)),
    )
    return Graph(name="branches", ops=ops, tensors=tensors)


def test_a_reshape_is_no_operator_and_its_result_no_tensor() -> None:
    problem = problem_of_graph(two_branches(), lanes=16)
    assert [step.name for step in problem.steps] == ["first", "second", "third"]
    sizes = {item.name: item.size for item in problem.items}
    # `flat` has one channel in each of 60 words: more than the 3 x 2 words of `a`
    assert sizes == {"x": 96, "a": 60 * 16, "b": 60 * 16, "y": 60 * 16}
    assert problem.budget == problem.least_budget == 2 * 960
    first, second, _ = problem.steps
    assert first.writes == second.reads
    assert problem.compulsory_bytes == (96, 960)


def test_constants_are_read_by_all_their_readers() -> None:
    problem = problem_of_graph(two_branches(), lanes=16, weights="all")
    items = {item.name: item.size for item in problem.items}
    assert items["weights of first, second, third"] == 256
    place = list(items).index("weights of first, second, third")
    assert problem.readers[place] == (0, 1, 2)
    assert problem.compulsory_bytes == (96 + 256, 960)


def test_a_budget_below_an_operator() -> None:
    with pytest.raises(ValueError, match=r"operator second needs 1920 bytes .* least .* is 1920"):
        problem_of_graph(two_branches(), lanes=16, budget=1919)


def test_a_graph_of_reshapes_has_nothing_to_plan() -> None:
    tensors = (tensor("x", 4, role="input"), tensor("y", 2, 2, role="output"))
    ops = (Op(name="view", kind="reshape", inputs=("x",), outputs=("y",)),)
    with pytest.raises(ValueError, match="no operator to plan"):
        problem_of_graph(Graph(name="g", ops=ops, tensors=tensors), lanes=16)

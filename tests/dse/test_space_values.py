"""The values of parameters, against those of all designs of a space."""

import pytest
from tilewright.dse.space import Space
from tilewright.dse.space_domains import Linked, Listed, Parameter, Powers, Range, When
from tilewright.dse.space_values import MOST_COMBINATIONS, values_in

FLOW = Parameter(path="flow", domain=Listed(values=("output", "weight")))
DEEP = Parameter(
    path="deep", domain=Powers(start=4, stop=16), when=When(path="flow", among=("weight",))
)


@pytest.mark.parametrize(
    "parameters",
    [
        (FLOW, DEEP),
        (FLOW, DEEP, Parameter(path="below", domain=Listed(values=(1, 2.5)), otherwise=2.5,
                               when=When(path="deep", among=(4,)))),
        (FLOW, Parameter(path="always", domain=Listed(values=(True, False)), otherwise="no",
                         when=When(path="flow", among=("output", "weight")))),
        (FLOW, Parameter(path="bit", domain=Listed(values=(1, 2)), otherwise=True,
                         when=When(path="flow", among=("output",)))),
        (Parameter(path="a", domain=Range(start=1, stop=4)),
         Parameter(path="b", domain=Listed(values=(0.5, 1))),
         Parameter(path="both", domain=Linked(times=("a", "b")), is_derived=True),
         Parameter(path="twice", domain=Linked(times=("both",), factor=2), is_derived=True)),
        (FLOW, Parameter(path="same", domain=Linked(times=("flow",)),
                         when=When(path="flow", among=("weight",)))),
    ],
)  # fmt: skip
def test_every_value_of_some_design_and_no_other(parameters: tuple[Parameter, ...]) -> None:
    space = Space(parameters=parameters)
    for path, column in space.columns(0, space.size).items():
        found = values_in(space, next(one for one in parameters if one.path == path))
        assert found is not None
        told = [(type(value), value) for value in found]
        assert len(set(told)) == len(told)
        assert set(told) == {(type(value), value) for value in column.tolist()}
        assert None not in found[:-1]


def test_the_order_is_that_of_the_space() -> None:
    mixed = Parameter(path="mixed", domain=Listed(values=(8, 2, 4)))
    assert values_in(Space(parameters=(mixed,)), mixed) == (8, 2, 4)
    assert values_in(Space(parameters=(FLOW, DEEP)), DEEP) == (4, 8, 16, None)


def test_a_huge_space_is_not_enumerated() -> None:
    many = [Parameter(path=name, domain=Range(start=1, stop=1000)) for name in "abcd"]
    link = Parameter(path="link", domain=Linked(times=("a", "b")), is_derived=True)
    small = Parameter(path="small", domain=Linked(times=("d",), factor=3), is_derived=True)
    space = Space(parameters=(*many, link, small))
    assert space.size == 10**12 and MOST_COMBINATIONS < 1000 * 1000
    assert values_in(space, many[0]) == tuple(range(1, 1001))
    assert values_in(space, small) == tuple(range(3, 3001, 3))
    assert values_in(space, link) is None

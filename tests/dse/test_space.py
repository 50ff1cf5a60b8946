"""Spaces: sizes by counting, designs by writing the loops out, numbers both ways."""

import itertools

import numpy as np
import pytest
from tilewright.dse.space import Space
from tilewright.dse.space_domains import Linked, Listed, Parameter, Powers, Range, When


def parameter(path: str, domain, **more) -> Parameter:
    return Parameter(path=path, domain=domain, **more)


def conditional_space() -> Space:
    """Two levels of conditions, one of them asking an `otherwise`."""
    return Space(
        parameters=(
            parameter("rows", Powers(start=4, stop=64)),
            parameter("dataflow", Listed(values=("os", "ws", "is"))),
            parameter(
                "depth",
                Range(start=1, stop=3),
                when=When(path="dataflow", among=("ws", "is")),
                otherwise=9,
            ),
            parameter("kind", Listed(values=("p", "q")), when=When(path="depth", among=(2, 9))),
            parameter("pes", Linked(times=("rows", "depth")), is_derived=True),
        )
    )


def loops_of_conditional_space() -> list[tuple]:
    designs = []
    for rows, dataflow in itertools.product((4, 8, 16, 32, 64), ("os", "ws", "is")):
        for depth in (1, 2, 3) if dataflow in ("ws", "is") else (9,):
            for kind in ("p", "q") if depth in (2, 9) else (None,):
                designs.append((rows, dataflow, depth, kind, rows * depth))
    return designs


def test_a_block_is_the_nest_of_loops() -> None:
    space = conditional_space()
    columns = space.columns(0, space.size)
    found = list(zip(*(column.tolist() for column in columns.values()), strict=True))
    assert found == loops_of_conditional_space()
    assert space.size == len(found) == 50
    assert list(columns) == ["rows", "dataflow", "depth", "kind", "pes"]
    assert columns["pes"].dtype == columns["depth"].dtype == np.int64


def test_numbers_and_designs_are_one_to_one() -> None:
    space = conditional_space()
    for index in range(space.size):
        design = space.design(index)
        assert space.index_of(design) == index
        states = {path: int(s[0]) for path, s in space.states_at(space.indices([index])).items()}
        assert space.index_of_states(states) == index


def test_any_blocks_in_any_order_are_the_same_designs() -> None:
    space = conditional_space()
    whole = space.columns(0, space.size)
    order = np.random.default_rng(3).permutation(space.size)
    for path, column in space.columns_at(order).items():
        assert column.tolist() == whole[path][order].tolist()
    for start, stop in space.blocks(7):
        for path, column in space.columns(start, stop).items():
            assert column.tolist() == whole[path][start:stop].tolist()
    assert [stop for _, stop in space.blocks(7)] == [*range(7, 50, 7), 50]


def test_settings_are_what_goes_into_the_spec() -> None:
    space = conditional_space()
    one = next(i for i in range(50) if space.design(i)["kind"] is None)
    assert space.settings(one) == {"rows": 4, "dataflow": "ws", "depth": 1}
    assert all(type(value) in (int, str) for value in space.settings(one).values())


def test_a_space_of_more_designs_than_int64_is_counted_and_decoded_exactly() -> None:
    many = tuple(parameter(f"p{i}", Range(start=0, stop=9)) for i in range(40))
    space = Space(parameters=many)
    assert space.size == 10**40
    number = 3141592653589793238462643383279502884197
    assert "".join(str(v) for v in space.design(number).values()) == f"{number:040d}"
    assert space.index_of(space.design(number)) == number


@pytest.mark.parametrize(
    ("domain", "points"),
    [
        (Range(start=0.1, stop=0.3, step=0.1), (0.1, 0.2, 0.3)),
        (Range(start=2, stop=9, step=3), (2, 5, 8)),
        (Range(start=-1, stop=1), (-1, 0, 1)),
        (Powers(start=1, stop=8), (1, 2, 4, 8)),
        (Listed(values=(3, "auto", True)), (3, "auto", True)),
    ],
)
def test_points(domain, points: tuple) -> None:
    assert domain.points() == points
    assert [type(p) for p in domain.points()] == [type(p) for p in points]


@pytest.mark.parametrize(
    ("linked", "expected"),
    [
        (Linked(times=("a",)), [1, 5, 6]),
        (Linked(times=("a", "b"), factor=2), [4, 30, 48]),
        (Linked(times=("a",), divided_by=("b",)), [1, 2, 2]),
        (Linked(times=("a",), divided_by=("b",), rounding="down"), [0, 1, 1]),
        (Linked(times=("a",), divided_by=("b",), factor=1.0), [0.5, 5 / 3, 1.5]),
        (Linked(times=("c",)), ["x", "x", "x"]),
    ],
)
def test_links(linked: Linked, expected: list) -> None:
    space = Space(
        parameters=(
            parameter("linked", linked),
            parameter("a", Listed(values=(1, 5, 6))),
            parameter("b", Listed(values=(2, 3, 4))),
            parameter("c", Listed(values=("x",))),
        )
    )
    column = space.columns_at(space.indices([0, 4, 8]))["linked"].tolist()
    assert column == expected
    assert [type(value) for value in column] == [type(value) for value in expected]


def test_a_conditional_link_has_its_otherwise() -> None:
    linked = Linked(times=("a",), factor=10)
    asks = When(path="c", among=("x",))
    base = (parameter("a", Listed(values=(1, 2))), parameter("c", Listed(values=("x", "y"))))
    with_number = Space(parameters=(*base, parameter("l", linked, when=asks, otherwise=7)))
    assert with_number.columns(0, 4)["l"].tolist() == [10, 7, 20, 7]
    absent = Space(parameters=(*base, parameter("l", linked, when=asks)))
    assert absent.columns(0, 4)["l"].tolist() == [10, None, 20, None]
    assert absent.settings(1) == {"a": 1, "c": "y"}


def test_what_is_no_design_is_refused() -> None:
    space = conditional_space()
    for wrong in ([50], [-1]):
        with pytest.raises(IndexError, match="0 to 49"):
            space.indices(wrong)
    with pytest.raises(ValueError, match=r"rows: has no value 5"):
        space.index_of({**space.design(0), "rows": 5})
    with pytest.raises(KeyError, match="dataflow"):
        space.index_of({"rows": 4})


def test_ten_million_designs_are_decoded_in_blocks() -> None:
    space = Space(
        parameters=(
            parameter("a", Range(start=1, stop=1000)),
            parameter("b", Range(start=1, stop=1000)),
            parameter("c", Range(start=1, stop=10)),
            parameter("d", Linked(times=("a", "b", "c"))),
        )
    )
    assert space.size == 10**7
    last = space.columns(10**7 - 3, 10**7)
    assert [column.tolist()[-1] for column in last.values()] == [1000, 1000, 10, 10**7]
    sums = [int(space.columns(*block)["d"].sum()) for block in space.blocks(1 << 18)]
    assert sum(sums) == 500500 * 500500 * 55

"""Words of mode static: they lie as the hardware's layouts say, and played they give the product.

The player here knows only the words: it fills banks from `b`, plays `a`, passes pieces from lane to
lane, and shares no code with the packing, the schedule or the golden model.
"""

import numpy as np
import pytest
from amaranth.hdl import Shape
from tilewright.hw.lib.banked_store import load_word_layout
from tilewright.hw.spmm import mapping
from tilewright.hw.spmm.params import SpmmParams
from tilewright.hw.spmm.ports import entry_layout, result_layout, static_word_layout

from tilewright.flow.spmm_cases import schedule_of, static_work
from tilewright.flow.spmm_work import KINDS, Matrices, draw_matrices
from tilewright.spec.numbers import NumberFormat

SEED = 37
PARAMS = {
    "plain": SpmmParams(lanes=4, columns=2, banks=8, bank_words=16, max_rows=32, max_panels=8),
    "limbs": SpmmParams(
        lanes=3,
        columns=3,
        banks=5,
        bank_words=32,
        a_format=NumberFormat(16),
        b_format=NumberFormat(5, signed=False),
        limb_bits=4,
        accumulator_bits=20,
        block_rows=2,
        max_rows=24,
        max_panels=4,
        load_words=5,
    ),
    "least": SpmmParams(lanes=1, columns=1, banks=1, bank_words=8, max_rows=1, max_panels=1),
}


def bits(layout) -> int:
    return Shape.cast(layout).width


@pytest.mark.parametrize("name", PARAMS)
def test_widths_are_those_of_the_layouts(name: str) -> None:
    params = PARAMS[name]
    lane = params.lane_params
    assert lane.entry_bits == bits(entry_layout(lane))
    assert {n: field.offset for n, field in entry_layout(lane)} == lane.entry_offsets
    assert lane.result_bits + 1 == bits(result_layout(lane))
    assert params.static_word_bits + 1 == bits(static_word_layout(params))
    assert params.store_params.load_word_bits + 1 == bits(load_word_layout(params.store_params))


def decode(layout, word: int):
    """A word as nested dictionaries and lists."""
    if hasattr(layout, "members"):
        return {n: decode(f.shape, word >> f.offset & ((1 << f.width) - 1)) for n, f in layout}
    if hasattr(layout, "elem_shape"):
        width = bits(layout.elem_shape)
        mask = (1 << width) - 1
        return [decode(layout.elem_shape, word >> (i * width) & mask) for i in range(layout.length)]
    return word


def played(params: SpmmParams, a: list[int], b: list[int]) -> dict[tuple[int, int], list[int]]:
    """(row, panel) -> sums, of one packet."""
    banks: list[dict[int, int]] = [{} for _ in range(params.banks)]
    group = params.banks // params.load_words
    for word in b:
        for number, write in enumerate(
            decode(load_word_layout(params.store_params), word)["writes"]
        ):
            if write["is_valid"]:
                banks[number * group + write["bank"]][write["address"]] = write["data"]
    sums = [[[0] * params.lane_params.num_sums for _ in range(2)] for _ in range(params.lanes)]
    items: list[list[dict]] = [[] for _ in range(params.lanes)]
    for word in a:
        step = decode(static_word_layout(params), word)
        for lane, action in enumerate(step["actions"]):
            entry = action["entry"]
            if entry["is_product"]:
                data = banks[action["bank"]][step["addresses"][action["bank"]]]
                add(params, entry, data, sums[lane][entry["accumulator"]])
            if entry["closes"]:
                items[lane].append({**entry, "panel": step["panel"], "number": entry["accumulator"],
                                    "sums": list(sums[lane][entry["accumulator"]])})  # fmt: skip
    return merged(params, items)


def add(params: SpmmParams, entry: dict, data: int, sums: list[int]) -> None:
    """One entry's products."""
    if entry["first"]:
        sums[:] = [0] * len(sums)
    for row, limb in enumerate(entry["limbs"]):
        has_sign = params.a_format.signed and entry.get("is_high", 1)
        value = (
            limb - (1 << params.limb_bits) if has_sign and limb >> (params.limb_bits - 1) else limb
        )
        value <<= entry.get("position", 0) * params.limb_bits
        for column in range(params.columns):
            width = params.b_format.bits
            element = data >> (column * width) & ((1 << width) - 1)
            if params.b_format.signed and element >> (width - 1):
                element -= 1 << width
            sums[row * params.columns + column] += value * element


def merged(params: SpmmParams, items: list[list[dict]]) -> dict[tuple[int, int], list[int]]:
    """Pieces added from right to left, lane by lane: each lane's carries in their order."""
    found: dict[tuple[int, int], list[int]] = {}
    from_right: list[list[int]] = []
    for lane in reversed(items):
        to_left = []
        for item in lane:
            if item["waits"]:
                item["sums"] = [x + y for x, y in zip(item["sums"], from_right.pop(0), strict=True)]
            if item["sends"]:
                to_left.append(item["sums"])
            elif item["is_product"]:
                assert (item["row"], item["panel"]) not in found
                found[item["row"], item["panel"]] = item["sums"]
        assert not from_right, "a piece that nobody waits for"
        assert [item["last"] for item in lane].count(1) == 1 and lane[-1]["last"]
        from_right = to_left
    assert not from_right
    return found


def check(params: SpmmParams, matrices: Matrices) -> None:
    """Every row with a stored value has its sums in every panel, no other row has any."""
    work = static_work(params, [matrices])
    found = played(params, list(work.inputs["a"]), list(work.inputs["b"]))
    product = matrices.product(params)
    panels = mapping.num_panels(params, matrices.b.shape[1])
    assert set(found) == {(int(r), p) for r in set(matrices.rows.tolist()) for p in range(panels)}
    half = 1 << (params.accumulator_bits - 1)
    for (row, panel), sums in found.items():
        for number, value in enumerate(sums):
            block_row, column = divmod(number, params.columns)
            column += panel * params.columns
            wrapped = (value + half) % (2 * half) - half
            expected = product[row, block_row, column] if column < product.shape[2] else 0
            assert wrapped == expected, f"row {row}, column {column}"


@pytest.mark.parametrize("name", PARAMS)
@pytest.mark.parametrize("kind", KINDS)
def test_words_played_give_the_product(name: str, kind: str) -> None:
    rng = np.random.default_rng([SEED, *kind.encode()])
    for _ in range(3):
        check(PARAMS[name], draw_matrices(PARAMS[name], rng, kind))


def test_zero_columns_of_b() -> None:
    """N = 0: one word of the schedule in which every lane says that it is done."""
    params = PARAMS["plain"]
    matrices = Matrices(
        name="none",
        num_rows=2,
        rows=np.array([0, 1]),
        columns=np.array([1, 2]),
        values=np.array([[3], [4]]),
        b=np.zeros((3, 0), np.int64),
    )
    check(params, matrices)
    assert len(static_work(params, [matrices]).inputs["a"]) == 1


def test_results_are_packed_and_unpacked() -> None:
    params = PARAMS["limbs"]
    matrices = draw_matrices(params, np.random.default_rng(SEED), "dense_row")
    work = static_work(params, [matrices])
    lanes = [work.expected[f"o{n}"] for n in range(params.lanes)]
    c = mapping.unpack(params, lanes, matrices.num_rows, matrices.b.shape[1])
    assert np.array_equal(c, matrices.product(params).reshape(c.shape))


def test_what_does_not_fit_is_refused() -> None:
    params = PARAMS["plain"]
    matrices = draw_matrices(params, np.random.default_rng(SEED), "random")
    schedule = schedule_of(params, matrices)
    with pytest.raises(ValueError, match="9 panels, at most max_panels = 8"):
        mapping.pack_a(params, schedule, 9)
    with pytest.raises(ValueError, match="in a bank of 16 words"):
        mapping.pack_b(params, schedule.placement, np.ones((len(matrices.b), 34), np.int64))
    with pytest.raises(ValueError, match=r"of B: int8 is -128\.\.127"):
        mapping.pack_b(params, schedule.placement, np.full((len(matrices.b), 1), 200))

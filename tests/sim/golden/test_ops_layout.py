"""Ops that move numbers: by hand, and against NumPy's own indexing."""

import numpy as np
import pytest
from tilewright.dataflow.graph import Graph, Op, Tensor
from tilewright.dataflow.operators import KINDS
from tilewright.sim.golden.run import run

SAME = {"scale": (0.5,), "zero_point": (-3,)}


def moved(kind, parts, constants=(), shape=None, result=SAME, **attributes):
    """One op on int8 activations and integer constants."""
    given = {f"x{index}": np.array(part, np.int8) for index, part in enumerate(parts)}
    tensors = [Tensor(name=name, shape=data.shape, number_format="int8", role="input", **SAME)
               for name, data in given.items()]  # fmt: skip
    tensors += [
        Tensor(name=f"c{index}", shape=np.shape(data), number_format="int64", role="constant",
               data=np.array(data, np.int64))
        for index, data in enumerate(constants)
    ]  # fmt: skip
    shapes = [tensor.shape for tensor in tensors]
    shape = shape or KINDS[kind].shape(shapes, attributes)
    y = Tensor(name="y", shape=shape, number_format="int8", role="output", **result)
    op = Op(name="op", kind=kind, inputs=tuple(t.name for t in tensors), outputs=("y",),
            attributes=attributes)  # fmt: skip
    return run(Graph(name="moved", ops=(op,), tensors=(*tensors, y)), given)["y"].tolist()


def test_slices():
    rows = [[0, 1, 2, 3, 4], [5, 6, 7, 8, 9]]
    every = {"starts": (0, 0), "stops": (2, 5), "steps": (1, 1)}
    assert moved("slice", [rows], **every) == rows
    assert moved("slice", [rows], **every | {"starts": (1, 1), "steps": (1, 2)}) == [[6, 8]]
    # down to index 0 and not
    assert moved("slice", [rows], starts=(0, 4), stops=(1, -1), steps=(1, -2)) == [[4, 2, 0]]
    assert moved("slice", [rows], starts=(1, 3), stops=(-1, 0), steps=(-1, -1)) == [
        [8, 7, 6],
        [3, 2, 1],
    ]


def test_pads():
    row = [[1, 2, 3]]
    assert moved("pad", [row], pads=(0, 2, 1, 1), mode="constant", value=-3.0) == [
        [-3, -3, 1, 2, 3, -3],
        [-3] * 6,
    ]
    assert moved("pad", [row], pads=(0, 1, 0, 1), mode="constant", value=200.0) == [
        [127, 1, 2, 3, 127]
    ]
    assert moved("pad", [row], pads=(0, 2, 0, 1), mode="edge", value=0.0) == [[1, 1, 1, 2, 3, 3]]
    assert moved("pad", [row], pads=(0, 2, 0, 1), mode="reflect", value=0.0) == [[3, 2, 1, 2, 3, 2]]
    with pytest.raises(ValueError, match=r"op op \(pad\): mode 'wrap' is not"):
        moved("pad", [row], pads=(0, 1, 0, 1), mode="wrap", value=0.0)


def test_shapes_and_orders():
    rows = [[0, 1, 2], [3, 4, 5]]
    assert moved("reshape", [rows], shape=(3, 2)) == [[0, 1], [2, 3], [4, 5]]
    assert moved("transpose", [rows], perm=(1, 0)) == [[0, 3], [1, 4], [2, 5]]
    assert moved("concat", [rows, [[7], [8]]], axis=1) == [[0, 1, 2, 7], [3, 4, 5, 8]]
    assert moved("resize", [rows], [[0, 0, 1], [2, 0]], axes=(0, 1)) == [[2, 0], [2, 0], [5, 3]]
    assert moved("gather", [rows], [[[1, -1], [0, -2]]], axis=0) == [[rows[1]] * 2, [rows[0]] * 2]
    assert moved("gather", [rows], [[2]], axis=1) == [[2], [5]]


def test_what_cannot_be_moved_is_refused():
    with pytest.raises(ValueError, match=r"op op \(gather\): indices must lie in -2..1"):
        moved("gather", [[[1], [2]]], [[2]], axis=0)
    with pytest.raises(ValueError, match="part x0 must have the quantisation of the result"):
        moved("concat", [[[1]], [[2]]], axis=0, result={"scale": (0.25,), "zero_point": (-3,)})


def test_random_slices_equal_numpy():
    rng = np.random.default_rng(5)
    values = rng.integers(-128, 128, (3, 7, 9))
    for _ in range(50):
        cuts = []
        for extent in values.shape:
            step = int(rng.choice([-3, -1, 1, 2]))
            start = int(rng.integers(0, extent))
            ends = range(-1, start) if step < 0 else range(start + 1, extent + 1)
            cuts.append((start, int(rng.choice(ends)), step))
        starts, stops, steps = zip(*cuts, strict=True)
        want = values[tuple(slice(a, None if b < 0 else b, c) for a, b, c in cuts)]
        assert moved("slice", [values], starts=starts, stops=stops, steps=steps) == want.tolist()

"""Calibration data: what is taken, and that every mistake is told at once with its place."""

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from tilewright.flow.calibration import (
    MAX_BATCH,
    Calibration,
    ModelInput,
    model_inputs,
    read_calibration,
)
from tilewright.spec import SpecError

IMAGE = ModelInput(name="x", dtype=np.dtype(np.float32), extents=(None, 3, 4))
MASK = ModelInput(name="m", dtype=np.dtype(np.int64), extents=(None, None))


def images(count: int, **changes: Any) -> Any:
    values = np.random.default_rng(count).normal(0, 1, (count, 3, 4)).astype(np.float32)
    return values if not changes else values.astype(changes["dtype"])


def save(folder: Path, **arrays: Any) -> Path:
    path = folder / "data.npz"
    np.savez(path, **arrays)
    return path


def read(path: Path, *inputs: ModelInput, **options: Any) -> Calibration:
    return read_calibration(
        path, inputs or [IMAGE], arrays=options.get("arrays", {}), samples=options.get("samples")
    )


def refused(path: Path, *inputs: ModelInput, **options: Any) -> list[str]:
    with pytest.raises(SpecError) as caught:
        read(path, *inputs, **options)
    assert all(found.file == str(path) for found in caught.value.diagnostics)
    return [found.render().partition("error: ")[2] for found in caught.value.diagnostics]


def test_all_samples_in_order_in_runs_of_a_bounded_size(tmp_path: Path) -> None:
    values = images(2 * MAX_BATCH + 5)
    found = read(save(tmp_path, x=values))
    assert found.count == len(values)
    assert [len(feed["x"]) for feed in found.feeds] == [MAX_BATCH] * 3
    together = np.concatenate([feed["x"] for feed in found.feeds])
    np.testing.assert_array_equal(together[: len(values)], values)
    assert (together[len(values) :] == values[-1]).all()


def test_a_fixed_batch_is_kept(tmp_path: Path) -> None:
    fixed = ModelInput(name="x", dtype=np.dtype(np.float32), extents=(2, 3, 4))
    found = read(save(tmp_path, x=images(5)), fixed)
    assert [feed["x"].shape for feed in found.feeds] == [(2, 3, 4)] * 3
    np.testing.assert_array_equal(found.feeds[2]["x"][0], found.feeds[2]["x"][1])


def test_the_only_array_is_taken_whatever_its_name(tmp_path: Path) -> None:
    assert read(save(tmp_path, pictures=images(2))).count == 2
    path = tmp_path / "plain.npy"
    np.save(path, images(3))
    assert read(path).count == 3


def test_a_name_may_be_given(tmp_path: Path) -> None:
    path = save(tmp_path, x=images(9), other=images(4))
    assert read(path, arrays={"x": "other"}).count == 4
    assert read(path, samples=2).count == 2
    assert len(read(path, samples=2).feeds[0]["x"]) == 2


def test_whole_numbers_serve_as_floats_but_not_the_other_way(tmp_path: Path) -> None:
    path = save(tmp_path, x=np.ones((2, 3, 4), np.uint8), m=np.ones((2, 7), np.int32))
    feed = read(path, IMAGE, MASK).feeds[0]
    assert (feed["x"].dtype, feed["m"].dtype) == (np.float32, np.int64)
    wrong = refused(save(tmp_path, x=images(2), m=np.ones((2, 7))), IMAGE, MASK)
    assert wrong == ["array m: must be int64 [samples][any] for input m, got float64 [2, 7]"]


def test_all_mistakes_at_once(tmp_path: Path) -> None:
    bad = images(3)
    bad[1, 2, 3], bad[2, 0, 0] = np.nan, np.inf
    path = save(tmp_path, x=bad, other=np.ones((3, 3, 5)))
    second = ModelInput(name="other", dtype=np.dtype(np.float32), extents=(None, 3, 4))
    third = ModelInput(name="third", dtype=np.dtype(np.float32), extents=(None, 2))
    found = refused(path, IMAGE, second, third, arrays={"y": "x"})
    assert found == [
        "--array y=: the model has no such input\n  help: known inputs: x, other, third",
        "array x: must hold finite float32 numbers; 2 are not, the first at [1, 2, 3]",
        "array other: must be float32 [samples][3][4] for input other, got float64 [3, 3, 5]",
        "array third: is not in the file (input third)\n"
        "  help: it has x, other; choose one with --array third=NAME",
    ]


@pytest.mark.parametrize(
    "values",
    [
        np.ones((2, 3)),
        np.ones((2, 3, 4, 1)),
        np.ones((0, 3, 4)),
        np.float32(1),
        np.ones((2, 3, 4), np.complex64),
        np.ones((2, 3, 4), bool),
        np.full((2, 3, 4), "a"),
        np.full((2, 3, 4), 1e300),
    ],
    ids=str,
)
def test_arrays_of_another_kind(tmp_path: Path, values: Any) -> None:
    with np.errstate(over="ignore"):
        assert len(refused(save(tmp_path, x=values))) == 1


def test_counts(tmp_path: Path) -> None:
    path = save(tmp_path, x=images(3), m=np.ones((4, 2), int))
    assert refused(path, IMAGE, MASK) == ["all inputs must have as many samples, got x 3, m 4"]
    assert refused(path, samples=4) == ["4 samples are asked for, it has 3"]
    fixed = [
        ModelInput(name=name, dtype=np.dtype(np.float32), extents=(extent, 2))
        for name, extent in (("a", 1), ("b", 3))
    ]
    path = save(tmp_path, a=np.ones((3, 2)), b=np.ones((3, 2)))
    assert "has [1, 3]" in refused(path, *fixed)[0]
    assert (
        "no axis" in refused(path, ModelInput(name="a", dtype=np.dtype(np.float32), extents=()))[0]
    )


def test_files_that_are_no_arrays(tmp_path: Path) -> None:
    whole = save(tmp_path, x=images(2)).read_bytes()
    pickled = tmp_path / "pickled.npy"
    np.save(pickled, np.array([{}], object), allow_pickle=True)
    made = {"absent.npz": None, "empty.npz": b"", "text.npz": b"x,y\n", "half.npz": whole[:-99]}
    made["damaged.npz"] = whole.replace(b"NUMPY", b"NUMBY")
    for name, contents in made.items():
        path = tmp_path / name
        if contents is not None:
            path.write_bytes(contents)
        assert "cannot be read as .npz" in refused(path)[0], name
    assert "cannot be read as .npz" in refused(pickled)[0]
    assert "cannot be read as .npz" in refused(tmp_path)[0]
    other = tmp_path / "other.npz"
    with zipfile.ZipFile(other, "w") as file:
        file.writestr("readme.txt", "hello")
    assert refused(other)


def test_inputs_of_a_model() -> None:
    graph = helper.make_graph(
        [helper.make_node("Add", ["x", "w"], ["y"])],
        "g",
        [
            helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 3]),
            helper.make_tensor_value_info("w", TensorProto.FLOAT, [3]),
            helper.make_tensor_value_info("i", TensorProto.INT64, [2, 0]),
        ],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", 3])],
        [numpy_helper.from_array(np.ones(3, np.float32), "w")],
    )
    found = model_inputs(helper.make_model(graph))
    assert found == [
        ModelInput(name="x", dtype=np.dtype(np.float32), extents=(None, 3)),
        ModelInput(name="i", dtype=np.dtype(np.int64), extents=(2, None)),
    ]

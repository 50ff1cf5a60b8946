"""TFLite files that are damaged or contradict themselves: located errors, nothing else."""

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from tilewright.dataflow.graph import Graph
from tilewright.dataflow.importers import tflite_structure
from tilewright.dataflow.importers.model import import_model
from tilewright.dataflow.importers.tflite_file import parse_tflite, read_tflite
from tilewright.dataflow.importers.tflite_model import model_graph, tflite_model_graph
from tilewright.sim.random_models.tflite_moves import chain
from tilewright.sim.random_models.tflite_small import conv_file, relu_file, toy_tensor
from tilewright.sim.random_models.tflite_writer import ToyOp, write_tflite

from tilewright.spec.diagnostics import SpecError

FILE = Path("toy.tflite")


def imported(data: bytes) -> Graph:
    return model_graph(parse_tflite(data, FILE))


WRONG: dict[str, tuple[Callable[[], bytes], str, str]] = {
    "empty": (lambda: b"", "", "no TFL3"),
    "another file": (lambda: b"PK\x03\x04" * 9, "", "no TFL3"),
    "head only": (lambda: conv_file()[:8], "", "leaves the file"),
    "half": (lambda: conv_file()[: len(conv_file()) // 2], "", "leaves the file"),
    "root offset of 2 GB": (lambda: b"\xff\xff\xff\x7f" + conv_file()[4:], "model", "2147483647"),
    "root offset 0": (lambda: bytes(4) + conv_file()[4:], "model", "an offset of 0"),
    "no operator": (
        lambda: write_tflite([toy_tensor()], [], [0], [0]),
        "",
        "no operator or no output",
    ),
    "no output": (lambda: relu_file(ends=([0], [])), "", "no operator or no output"),
    "input not in the file": (lambda: relu_file(inputs=(7,)), "operator 0 (RELU)", "[7] are not"),
    "output not in the file": (lambda: relu_file(outputs=(9,)), "operator 0 (RELU)", "[9] are not"),
    "negative output": (lambda: relu_file(outputs=(-1,)), "operator 0 (RELU)", "[-1] are not"),
    "model's output not in the file": (
        lambda: relu_file(ends=([0], [5])),
        "outputs of the model",
        "[5] are not in the file",
    ),
    "a cycle": (
        lambda: relu_file(inputs=(1,)),
        "operator 0 (RELU)",
        "is made by no earlier operator",
    ),
    "made twice": (lambda: relu_file(outputs=(0,)), "tensor 0 (x)", "is made again by operator 0"),
    "an input twice": (lambda: relu_file(ends=([0, 0], [1])), "tensor 0 (x)", "is an input twice"),
    "output that nothing makes": (
        lambda: relu_file(
            tensors=[toy_tensor(), toy_tensor("y"), toy_tensor("z")], ends=([0], [2])
        ),
        "outputs of the model",
        "tensor 2 (z) is made by no earlier operator",
    ),
    "missing input": (lambda: relu_file(inputs=()), "operator 0 (RELU)", "input 0 is missing"),
    "missing output": (lambda: relu_file(outputs=(), ends=([0], [0])), "operator 0", "output 0 is"),
    "scale 0": (
        lambda: relu_file(tensors=[toy_tensor(scale=(0.0,)), toy_tensor("y")]),
        "tensor 0",
        "positive",
    ),
    "scale NaN": (
        lambda: relu_file(tensors=[toy_tensor(scale=(math.nan,)), toy_tensor()]),
        "tensor 0",
        "finite",
    ),
    "scale infinite": (
        lambda: relu_file(tensors=[toy_tensor(), toy_tensor("y", scale=(math.inf,))]),
        "tensor 1",
        "positive and finite",
    ),
    "zero point beyond int8": (
        lambda: relu_file(tensors=[toy_tensor(zero_point=(400,)), toy_tensor("y")]),
        "tensor 0 (x)",
        "-128..127",
    ),
    "zero points that do not fit": (
        lambda: relu_file(
            tensors=[toy_tensor(scale=(0.5,) * 3, zero_point=(0, 1), axis=3), toy_tensor("y")]
        ),
        "tensor 0",
        "2 zero points do not fit 3 scales",
    ),
    "scales that do not fit": (
        lambda: relu_file(
            tensors=[toy_tensor(scale=(0.5,) * 2, zero_point=(0, 0), axis=3), toy_tensor("y")]
        ),
        "tensor 0",
        "2 scales do not fit axis 3",
    ),
    "activation with many scales": (
        lambda: relu_file(
            tensors=[toy_tensor(scale=(0.5,) * 3, zero_point=(0,) * 3, axis=3), toy_tensor("y")]
        ),
        "tensor 0 (x)",
        "must have one scale, has 3",
    ),
    "no scale": (
        lambda: relu_file(tensors=[toy_tensor(scale=(), zero_point=()), toy_tensor("y")]),
        "tensor 0 (x)",
        "must have one scale, has 0",
    ),
    "nine axes": (
        lambda: relu_file(tensors=[toy_tensor(shape=(1,) * 9), toy_tensor("y")]),
        "subgraph 0, tensor 0",
        "9 entries, at most 8",
    ),
    "a negative extent": (
        lambda: relu_file(tensors=[toy_tensor(shape=(1, -4)), toy_tensor("y")]),
        "tensor 0",
        "at most 8 axes",
    ),
    "a huge tensor": (
        lambda: relu_file(tensors=[toy_tensor(shape=(1, 2**30, 2**30)), toy_tensor("y")]),
        "tensor 0",
        "elements",
    ),
    "no elements": (
        lambda: relu_file(tensors=[toy_tensor(shape=(1, 0)), toy_tensor("y")]),
        "tensor 0",
        "below 1",
    ),
    "no batch axis": (
        lambda: relu_file(tensors=[toy_tensor(shape=()), toy_tensor("y", ())]),
        "tensor 0 (x)",
        "axis for the batch",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_files_are_located(case: str) -> None:
    make, place, rule = WRONG[case]
    with pytest.raises(SpecError) as caught:
        imported(make())
    first = caught.value.diagnostics[0]
    assert place in first.path and rule in first.rule, str(caught.value)
    assert first.file == str(FILE)


def test_what_cannot_be_read_is_said(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="cannot be read"):
        tflite_model_graph(tmp_path / "none.tflite")
    empty, large = tmp_path / "empty.tflite", tmp_path / "large.tflite"
    empty.write_bytes(b"")
    large.write_bytes(conv_file())
    with pytest.raises(SpecError, match="the model file is empty"):
        read_tflite(empty)
    with pytest.raises(SpecError, match="at most 100 bytes"):
        read_tflite(large, max_bytes=100)


def test_tables_that_are_shared_without_end_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of 500 operators may point to one table: the work is counted, not the bytes."""
    tensors = [toy_tensor(f"t{n}") for n in range(501)]
    ops = [ToyOp(kind="RELU", inputs=(n,), outputs=(n + 1,)) for n in range(500)]
    data = write_tflite(tensors, ops, [0], [500])
    assert len(imported(data).ops) > 500
    monkeypatch.setattr(tflite_structure, "MAX_VISITS", 5000)
    with pytest.raises(SpecError, match="more than 5000 tables"):
        imported(data)


def test_shared_constants_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tilewright.dataflow.importers.tflite_file.MAX_CONSTANT_BYTES", 50)
    with pytest.raises(SpecError, match="constants have more than 50 bytes"):
        imported(conv_file())
    monkeypatch.setattr("tilewright.dataflow.importers.tflite_file.MAX_CONSTANT_BYTES", 10**6)
    monkeypatch.setattr("tilewright.dataflow.importers.tflite_values.MAX_CONSTANT_BYTES", 50)
    with pytest.raises(SpecError, match="constants have more than 50 bytes"):
        imported(conv_file())


def mutated(data: bytes, seed: int) -> bytes:
    """One to three bytes of a file replaced; one time in ten it is cut too."""
    rng = np.random.default_rng(seed)
    changed = bytearray(data)
    for _ in range(rng.integers(1, 4)):
        at = rng.integers(len(changed))
        bit = changed[at] ^ (1 << int(rng.integers(8)))
        changed[at] = int(rng.choice([0, 1, 127, 128, 255, bit, rng.integers(256)]))
    cut = int(rng.integers(len(changed))) if rng.integers(10) == 0 else len(changed)
    return bytes(changed[:cut])


def survive(seeds: range, tmp_path: Path) -> int:
    """Imports mutated files; anything but an answer or located errors fails. Counts answers."""
    originals = [chain(seed, 5).data for seed in range(20)] + [conv_file()]
    path, answers = tmp_path / "mutated.tflite", 0
    for seed in seeds:
        path.write_bytes(mutated(originals[seed % len(originals)], seed))
        try:
            import_model(path)
            answers += 1
        except SpecError as error:
            located = [item for item in error.diagnostics if item.file == str(path)]
            if not located:
                pytest.fail(f"seed {seed}: an error without a place: {error}")
        except Exception as error:
            pytest.fail(f"seed {seed}: {type(error).__name__}: {error}")
    return answers


def test_mutated_files_give_no_traceback(tmp_path: Path) -> None:
    answers = survive(range(200), tmp_path)
    assert 0 < answers < 200


@pytest.mark.slow
def test_many_mutated_files_give_no_traceback(tmp_path: Path) -> None:
    survive(range(200, 5000), tmp_path)

"""Quantises a float ONNX model with onnxruntime's static quantisation, in memory.

Nothing is written but temporary files, which are gone when a call returns or fails: onnxruntime's
calibrator reads its model from a file.
"""

from __future__ import annotations

import contextlib
import logging
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnxruntime.quantization import (
    CalibrationDataReader,
    CalibrationMethod,
    QuantFormat,
    QuantType,
    quantize_static,
)
from onnxruntime.quantization.shape_inference import quant_pre_process

from tilewright.commands.contract import Progress
from tilewright.errors import TilewrightError
from tilewright.sim.golden.oracle import integer_session

from .unary_regions import name_all_nodes, unary_regions

Feed = Mapping[str, NDArray[Any]]

WARNING, FATAL = 2, 4
"""onnxruntime's levels of messages; what it says of a fault is in the exception too."""
PROGRESS_STEPS = 10
"""How often the progress of a calibration is told."""


class QuantisationError(TilewrightError):
    """onnxruntime cannot run or quantise a model that is sound."""

    exit_code = 2


def quantized_bytes(model: onnx.ModelProto, feeds: Sequence[Feed], progress: Progress) -> bytes:
    """The model in QDQ form: int8 activations, int8 weights with a scale per channel, int32 biases.

    Ranges are the least and the greatest values that the activations take on `feeds` (inputs by
    name, one entry per run). The same model and feeds give the same bytes.

    Raises:
        QuantisationError: with onnxruntime's words.
    """
    with (
        tempfile.TemporaryDirectory(prefix="tilewright-quantize-") as name,
        _quiet(),
        _onnxruntime("quantise"),
    ):
        source, prepared, result = (Path(name) / f"{n}.onnx" for n in ("source", "prepared", "q"))
        source.write_bytes(model.SerializeToString(deterministic=True))
        progress("fold constants")
        # What onnx itself infers of shapes is enough for ranges and scales.
        quant_pre_process(str(source), str(prepared), skip_symbolic_shape=True)
        folded = onnx.load(prepared)
        name_all_nodes(folded)
        onnx.save(folded, prepared)
        quantize_static(
            str(prepared),
            str(result),
            _Feeds(feeds, progress),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            activation_type=QuantType.QInt8,
            weight_type=QuantType.QInt8,
            calibrate_method=CalibrationMethod.MinMax,
            # A pool or a move is quantised even where its input was not yet.
            extra_options={"ForceQuantizeNoInputCheck": True},
            nodes_to_exclude=[node.name for group in unary_regions(folded) for node in group],
        )
        # Written again: protobuf promises one spelling only within a program that asks for it.
        return bytes(onnx.load(result).SerializeToString(deterministic=True))


def run_model(model: bytes, feeds: Sequence[Feed]) -> list[dict[str, NDArray[Any]]]:
    """The outputs of each run by name, with onnxruntime's integer kernels where there are some.

    Raises:
        QuantisationError: with onnxruntime's words.
    """
    with _onnxruntime("run"):
        session = integer_session(model)
        names = [output.name for output in session.get_outputs()]
        return [dict(zip(names, session.run(names, dict(feed)), strict=True)) for feed in feeds]


class _Feeds(CalibrationDataReader):  # type: ignore[misc]  # onnxruntime has no annotations
    """The feeds one after the other, as the calibrator asks for them."""

    def __init__(self, feeds: Sequence[Feed], progress: Progress) -> None:
        self._feeds, self._progress, self._next = feeds, progress, 0

    def get_next(self) -> dict[str, NDArray[Any]] | None:
        """The next feed; None after the last."""
        total = len(self._feeds)
        if self._next >= total:
            return None
        self._next += 1
        if self._next % max(1, total // PROGRESS_STEPS) == 0 or self._next == total:
            self._progress(f"calibrate: run {self._next} of {total}")
        return {name: np.ascontiguousarray(a) for name, a in self._feeds[self._next - 1].items()}


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """No warnings of onnxruntime's quantiser: what matters of them is checked or documented."""
    before = logging.root.manager.disable
    logging.disable(logging.ERROR)
    onnxruntime.set_default_logger_severity(FATAL)
    try:
        yield
    finally:
        logging.disable(before)
        onnxruntime.set_default_logger_severity(WARNING)


@contextlib.contextmanager
def _onnxruntime(action: str) -> Iterator[None]:
    """Whatever onnxruntime says of a model becomes one located sentence."""
    try:
        yield
    except (OSError, MemoryError):  # a full disk is no fault of the model
        raise
    except Exception as error:
        words = str(error).strip().splitlines() or [type(error).__name__]
        raise QuantisationError(f"onnxruntime cannot {action} the model: {words[0]}") from error

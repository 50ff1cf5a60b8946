"""The judge from outside: onnxruntime with its integer kernels.

onnxruntime turns `DequantizeLinear -> operator -> QuantizeLinear` into one integer kernel where it
has one; what it has no kernel for stays in floats. `Oracle` runs a model and says which kernels it
chose; `Observer` reads the integers inside, as far as that leaves the choice of kernels as it was.
"""

from __future__ import annotations

import platform
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import TensorProto, helper
from onnxruntime.capi import onnxruntime_pybind11_state as errors
from tilewright.dataflow.graph import Graph
from tilewright.dataflow.number_formats import fits, storage_type

ELEMENT_TYPES = {
    "int4": TensorProto.INT4,
    "uint4": TensorProto.UINT4,
    "int8": TensorProto.INT8,
    "uint8": TensorProto.UINT8,
    "int16": TensorProto.INT16,
    "uint16": TensorProto.UINT16,
    "int32": TensorProto.INT32,
}
ORT_ERRORS: tuple[type[Exception], ...] = (
    errors.Fail,
    errors.RuntimeException,
    errors.InvalidArgument,
    errors.InvalidGraph,
    errors.NotImplemented,
)
"""How onnxruntime says that it does not run a model."""
_MOVES = "Concat Flatten Gather Pad Reshape Resize Slice Split Squeeze Transpose Unsqueeze"
EXACT_IN_FLOATS = frozenset(("Clip", "MaxPool", "Relu", *_MOVES.split()))
"""What may run on floats and yet agree in all bits: no value is rounded between the
`DequantizeLinear` before and the `QuantizeLinear` behind."""
QGEMM_INPUTS = 9  # without the last two, scale and zero point of the result, it makes floats
_EXACT_SUMS = ("avx_vnni", "avx512_vnni")
_ZERO_POINTS = {"QLinearMatMul": (2, 5), "QLinearConv": (2, 5), "QGemm": (2, 5)}
"""Where kernels have the zero points of their operands."""
_DOUBLE_PAIR = "DoubleQDQRemoved_"
_TO_INTEGERS = ("QuantizeLinear", "DynamicQuantizeLinear")


class Oracle:
    """A session with integer kernels for int8 as well as uint8, and the nodes that it runs.

    Of two pairs QuantizeLinear -> DequantizeLinear in a row, onnxruntime makes one with a scale of
    its own, not the file's; where it would (`had_double_pairs`), that is switched off. `threads` 1
    keeps many small sessions cheap; results do not depend on it.
    """

    def __init__(self, data: bytes, threads: int = 1) -> None:
        self.session, self.optimised = _start(data, threads, {})
        names = {name for node in self.optimised.graph.node for name in node.input}
        self.had_double_pairs = any(name.startswith(_DOUBLE_PAIR) for name in names)
        if self.had_double_pairs:
            more = {"session.disable_double_qdq_remover": "1"}
            self.session, self.optimised = _start(data, threads, more)

    def run(self, inputs: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """The model's outputs by name."""
        names = [output.name for output in self.session.get_outputs()]
        return dict(zip(names, self.session.run(names, dict(inputs)), strict=True))

    @property
    def nodes(self) -> Counter[str]:
        """How many nodes of each operator run, Transposes left out.

        Kernels for channels last stand between Transposes; a value in the midst of them that is
        made an output comes out through one more, which changes neither kernels nor values.
        """
        names = (f"{node.domain}:{node.op_type}" for node in self.optimised.graph.node)
        return Counter(name for name in names if name != ":Transpose")

    @property
    def float_kernels(self) -> Counter[str]:
        """Operators that take floats, without the mere steps into integers and out of them."""
        graph = self.optimised.graph
        floats = {i.name for i in graph.input if i.type.tensor_type.elem_type == TensorProto.FLOAT}
        found: Counter[str] = Counter()
        for node in graph.node:
            kind = node.op_type
            takes_floats = kind not in _TO_INTEGERS and any(n in floats for n in node.input[:1])
            makes_floats = kind == "MatMulIntegerToFloat"
            makes_floats |= kind == "QGemm" and len(node.input) < QGEMM_INPUTS
            if takes_floats or makes_floats:
                found[kind] += 1
            if takes_floats or makes_floats or kind == "DequantizeLinear":
                floats.update(node.output)
        return found

    @property
    def saturating_kernels(self) -> Counter[str]:
        """Products of uint8 by int8 whose sums this processor saturates at 16 bits.

        None but on x86 without VNNI instructions. There `integer_session` makes the weights uint8
        where onnxruntime can: not for operators of opset 21, nor for products of two activations.
        """
        if platform.machine() not in ("x86_64", "AMD64") or processor_flags(_EXACT_SUMS):
            return Counter()
        types = {i.name: i.data_type for i in self.optimised.graph.initializer}
        mixed = (TensorProto.UINT8, TensorProto.INT8)
        return Counter(
            node.op_type
            for node in self.optimised.graph.node
            if node.op_type in _ZERO_POINTS
            and tuple(types.get(node.input[place]) for place in _ZERO_POINTS[node.op_type]) == mixed
        )


def integer_session(
    data: bytes,
    threads: int = 0,
    more: Mapping[str, str] = MappingProxyType({}),
    optimised_path: Path | None = None,
) -> onnxruntime.InferenceSession:
    """A session with integer kernels for int8 as well as uint8, none of which saturates inside.

    On x86 processors without VNNI instructions, sums of uint8 by int8 saturate at 16 bits unless
    onnxruntime is told to be precise. Then it finds no kernel for int8 by int8, whose sums
    never saturate: such models run without. threads 0: all.
    """
    for is_precise in ("1", "0"):
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4  # errors are raised, not logged besides
        options.intra_op_num_threads = threads
        settings = {"session.qdqisint8allowed": "1", "session.x64quantprecision": is_precise}
        for key, value in {**settings, **more}.items():
            options.add_session_config_entry(key, value)
        if optimised_path is not None:
            options.optimized_model_filepath = str(optimised_path)
        try:
            return onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
        except errors.NotImplemented:
            if is_precise == "0":
                raise
    raise AssertionError("the second try returns or raises")


def _start(
    data: bytes, threads: int, more: Mapping[str, str]
) -> tuple[onnxruntime.InferenceSession, onnx.ModelProto]:
    """A session, and the model as it runs it."""
    with tempfile.TemporaryDirectory(prefix="tilewright-oracle-") as folder:
        # The only way to learn the kernels is a file.
        path = Path(folder) / "optimised.onnx"
        session = integer_session(data, threads, more, path)
        return session, onnx.load(path)


class Observer:
    """A model's outputs, and its inner values of the integer formats `formats` by name.

    A value is seen by making it an output. That can undo the choice of a kernel; then the value is
    left out (`left_out`): only values with which the very same kernels run are given.
    """

    def __init__(self, data: bytes, formats: Mapping[str, str], threads: int = 1) -> None:
        self.oracle = Oracle(data, threads)
        self.sessions = [self.oracle]
        outputs = {output.name for output in self.oracle.session.get_outputs()}
        wanted = [name for name in formats if name not in outputs]
        left_out: set[str] = set()
        groups = [wanted] if wanted else []
        while groups:
            group = groups.pop()
            seen = Oracle(_exposed(data, {name: formats[name] for name in group}), threads)
            if seen.nodes == self.oracle.nodes:
                self.sessions.append(seen)
            elif len(group) == 1:
                left_out |= {*group}
            else:
                half = len(group) // 2
                groups += [group[half:], group[:half]]
        self.left_out = tuple(name for name in formats if name in left_out)

    def run(self, inputs: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """Outputs and inner values by name."""
        values: dict[str, NDArray[Any]] = {}
        for seen in reversed(self.sessions):
            values |= seen.run(inputs)
        return values


def _exposed(data: bytes, formats: Mapping[str, str]) -> bytes:
    """The model with more outputs."""
    model = onnx.load_model_from_string(data)
    for name, number_format in formats.items():
        element = ELEMENT_TYPES[number_format]
        model.graph.output.append(helper.make_tensor_value_info(name, element, None))
    return bytes(model.SerializeToString())


def oracle_outputs(
    path: Path, graph: Graph, inputs: Mapping[str, NDArray[Any]]
) -> dict[str, NDArray[Any]]:
    """The integers before the last `DequantizeLinear` of each output, by tensor name.

    `inputs` are the model's inputs by their names in the file. Raises ValueError if an answer is
    not exactly what some integer stands for: then a kernel stayed in float.
    """
    answers = Oracle(path.read_bytes(), threads=0).run(inputs)
    integers = {}
    for tensor in graph.outputs:
        answer = answers[tensor.origin]
        if answer.dtype != np.float32:
            integers[tensor.name] = answer
            continue
        steps = np.rint(answer.astype(np.float64) / np.float64(np.float32(tensor.scale[0])))
        values = (steps + tensor.zero_point[0]).astype(np.int64)
        if not fits(values, tensor.number_format):
            raise ValueError(f"output {tensor.origin}: values beyond {tensor.number_format}")
        integers[tensor.name] = values.astype(storage_type(tensor.number_format))
        if not np.array_equal(tensor.dequantize(integers[tensor.name]), answer):
            raise ValueError(f"output {tensor.origin}: values between the integers' steps")
    return integers


def processor_flags(names: Sequence[str]) -> list[str]:
    """Which of these instruction sets the processor has; nothing where Linux does not say."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return []
    lines = (line for line in text.splitlines() if line.startswith(("flags", "Features")))
    flags = set(next(lines, "").partition(":")[2].split())
    return [name for name in names if name in flags]

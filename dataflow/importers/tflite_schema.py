"""The part of the TFLite schema (version 3) that the importer reads, as data.

From `tensorflow/lite/schema/schema.fbs`: a field's number is its place in the table. Everything a
reader follows is named here, so that `tflite_structure` can check it first.
"""

from __future__ import annotations

from collections.abc import Mapping

from tflite.BuiltinOperator import BuiltinOperator
from tflite.BuiltinOptions import BuiltinOptions
from tflite.TensorType import TensorType

from .tflite_structure import ANY_NUMBER, Either, Form, Many, Number, Numbers, Rule

MAX_AXES = 8
_AXES, _TENSORS, _CHANNELS, _CHARACTERS = MAX_AXES, 4096, 65_536, 65_536  # lengths of vectors
VECTOR = 0  # in place of a field's bytes: a vector of int32


def _names(enumeration: type) -> dict[int, str]:
    pairs = vars(enumeration).items()
    return {value: name for name, value in pairs if isinstance(value, int) and name[0] != "_"}


OPERATOR_NAMES: Mapping[int, str] = _names(BuiltinOperator)
OPTIONS_NAMES: Mapping[int, str] = _names(BuiltinOptions)
TYPE_NAMES: Mapping[int, str] = _names(TensorType) | {19: "INT2"}

_ACTIVATION = ("FusedActivationFunction", 1)
_WINDOW = (("Padding", 1), ("StrideW", 4), ("StrideH", 4))
_DILATIONS = (("DilationWFactor", 4), ("DilationHFactor", 4))

# Options by the name of their table: fields in order with their bytes.
OPTIONS: Mapping[str, tuple[tuple[str, int], ...]] = {
    "Conv2DOptions": (*_WINDOW, _ACTIVATION, *_DILATIONS),
    "DepthwiseConv2DOptions": (*_WINDOW, ("DepthMultiplier", 4), _ACTIVATION, *_DILATIONS),
    "TransposeConvOptions": (*_WINDOW, _ACTIVATION),
    "Pool2DOptions": (*_WINDOW, ("FilterWidth", 4), ("FilterHeight", 4), _ACTIVATION),
    "FullyConnectedOptions": (_ACTIVATION, ("WeightsFormat", 1), ("KeepNumDims", 1)),
    "BatchMatMulOptions": (("AdjX", 1), ("AdjY", 1)),
    "AddOptions": (_ACTIVATION,),
    "SubOptions": (_ACTIVATION,),
    "MulOptions": (_ACTIVATION,),
    "ConcatenationOptions": (("Axis", 4), _ACTIVATION),
    "ReducerOptions": (("KeepDims", 1),),
    "SoftmaxOptions": (("Beta", 4),),
    "LeakyReluOptions": (("Alpha", 4),),
    "ReshapeOptions": (("NewShape", VECTOR),),
    "SqueezeOptions": (("SqueezeDims", VECTOR),),
    "SplitOptions": (("NumSplits", 4),),
    "StridedSliceOptions": (
        ("BeginMask", 4),
        ("EndMask", 4),
        ("EllipsisMask", 4),
        ("NewAxisMask", 4),
        ("ShrinkAxisMask", 4),
        ("Offset", 1),
    ),
    "ResizeNearestNeighborOptions": (("AlignCorners", 1), ("HalfPixelCenters", 1)),
}


def _options_form(name: str) -> Form:
    rules: dict[int, Rule] = {}
    for index, (_, num_bytes) in enumerate(OPTIONS[name]):
        rules[index] = Numbers(4, _AXES) if num_bytes == VECTOR else Number(num_bytes)
    return Form(name, rules)


_OPTIONS_FORMS = {
    number: _options_form(name) for number, name in OPTIONS_NAMES.items() if name in OPTIONS
}
_QUANTISATION = Form(
    "quantization", {2: Numbers(4, _CHANNELS), 3: Numbers(8, _CHANNELS), 4: Number(1), 6: Number(4)}
)  # scale, zero_point, details_type, quantized_dimension
_TENSOR = Form(
    "tensor",
    {
        0: Numbers(4, _AXES),  # shape
        1: Number(1),  # type
        2: Number(4),  # buffer
        3: Numbers(1, _CHARACTERS),  # name
        4: _QUANTISATION,
        5: Number(1),  # is_variable
        6: Form("sparsity"),
    },
)
_OPERATOR = Form(
    "operator",
    {
        0: Number(4),  # opcode_index
        1: Numbers(4, _TENSORS),  # inputs
        2: Numbers(4, _TENSORS),  # outputs
        3: Number(1),  # builtin_options_type
        4: Either(3, _OPTIONS_FORMS),
    },
)
_SUBGRAPH = Form(
    "subgraph",
    {0: Many(_TENSOR), 1: Numbers(4, _TENSORS), 2: Numbers(4, _TENSORS), 3: Many(_OPERATOR)},
)
_OPERATOR_CODE = Form(
    "operator code", {0: Number(1), 1: Numbers(1, _CHARACTERS), 2: Number(4), 3: Number(4)}
)
_BUFFER = Form("buffer", {0: Numbers(1, ANY_NUMBER), 1: Number(8), 2: Number(8)})

MODEL = Form(
    "model",
    {0: Number(4), 1: Many(_OPERATOR_CODE), 2: Many(_SUBGRAPH), 4: Many(_BUFFER)},
)

"""Models that are wrong: each gives a message at the right place. Here what operators, scales and
shapes may not be; files and structure are in test_bad_files."""

import re
import time

import onnx
import pytest
from onnx import parser
from tilewright.dataflow.importers.onnx_file import read_model
from tilewright.dataflow.importers.onnx_model import OPERATORS_HELP, model_graph

from tilewright.spec.diagnostics import SpecError

SECONDS = 3.0
GOOD = """
<ir_version: 9, opset_import: ["" : 18, "com.microsoft" : 1]>
good (float[N,4] x) => (float[N,3] y, float[N,2,4] c)
<float s = {0.5}, int8 z = {3}, int8[4,3] w = {1,1,1,1,1,1,1,1,1,1,1,1},
 float[3] ws = {0.1,0.2,0.3}, int8[3] wz = {0,0,0}, float[2,1,3] k = {1,1,1,1,1,1},
 int64[3] shape = {0,1,4}>
{
  [Q] q = QuantizeLinear(x, s, z)
  [D] f = DequantizeLinear(q, s, z)
  [W] wf = DequantizeLinear<axis = 1>(w, ws, wz)
  [product] m = MatMul(f, wf)
  [relu] r = Relu(m)
  [RQ] rq = QuantizeLinear(r, s, z)
  [RD] y = DequantizeLinear(rq, s, z)
  [reshape] rows = Reshape(x, shape)
  [conv] c = Conv<pads = [1, 1]>(rows, k)
}
"""


def text(*edits):
    """The good model with (old, new) pairs of text exchanged."""
    model = GOOD
    for old, new in edits:
        assert old in model, old
        model = model.replace(old, new)
    return model


def more(node, constants=""):
    """One more node, and its constants."""
    return text(
        ("{0,1,4}>", "{0,1,4}" + (f", {constants}>" if constants else ">")),
        ("\n}", f"\n  [new] {node}\n}}"),
    )


def change(old, new):
    return text((old, new))


W_AXIS = "<axis = 1>(w"
PADS = "<pads = [1, 1]>(rows"
SHAPE = "int64[3] shape = {0,1,4}"
HUGE = 1 << 40

# The model, the place in the message, the rule.
BAD = {
    # Scales and zero points.
    "scale zero": (change("{0.5}", "{0}"), "node Q", r"positive normal numbers, got 0\.0"),
    "scale negative": (change("{0.5}", "{-1}"), "node Q", "positive normal"),
    "scale subnormal": (change("{0.5}", "{1e-42}"), "node Q", "positive normal"),
    "one scale of three": (change("0.2,0.3", "0,0.3"), "node W", "positive normal"),
    "scale integer": (change("float s = {0.5}", "int8 s = {1}"), "node Q", "must be float32"),
    "scale double": (change("float s", "double s"), "node Q", "must be float32"),
    "scale matrix": (change("float s = {0.5}", "float[1,1] s = {1}"), "node Q", "one or a list"),
    "scale empty": (change("float s = {0.5}", "float[0] s = {}"), "node Q", "one or a list"),
    "scale computed": (change("Linear(x, s, z)", "Linear(x, x, z)"), "node Q", "be a constant"),
    "scales too many": (
        text(("float[3] ws = {0.1,0.2,0.3}", "float[2] ws = {1,1}"),
             ("int8[3] wz = {0,0,0}", "int8[2] wz = {0,0}")),
        "node W", "2 scales do not fit axis 1",
    ),
    "zero points too few": (
        change("int8[3] wz = {0,0,0}", "int8[2] wz = {0,0}"), "node W", "must be 3 of int8, got 2",
    ),
    "zero point of another type": (
        change("int8[3] wz", "uint8[3] wz"), "node W", "must be 3 of int8, got 3 of uint8",
    ),
    "zero point computed": (change("Linear(x, s, z)", "Linear(x, s, x)"), "node Q", "constant"),
    "zero point float": (change("int8 z", "float z"), "node Q", "integers must be int8"),
    "zero point of 32 bits": (change("int8 z", "int32 z"), "node Q", "integers must be int8"),
    "zero point of 64 bits": (change("int8 z", "int64 z"), "node Q", "integers must be int8"),
    "dequantised otherwise": (
        text(("(rq, s, z)", "(rq, t, z)"), ("float s", "float t = {0.25}, float s")), "node RD",
        "those that `rq` was quantised with",
    ),
    "axis beyond": (change(W_AXIS, "<axis = 2>(w"), "node W", "do not fit axis 2"),
    "axis of another extent": (change(W_AXIS, "<axis = 0>(w"), "node W", "do not fit axis 0"),
    "axis below": (change(W_AXIS, "<axis = -3>(w"), "node W", "do not fit axis -3"),
    "weights float": (change("int8[4,3] w", "float[4,3] w"), "node W", "integers must be int8"),
    "weights of 64 bits": (change("int8[4,3] w", "int64[4,3] w"), "node W", "must be int8"),
    "blocks": (
        text(('"" : 18', '"" : 21'), (W_AXIS, "<block_size = 2>(w")), "node W", "blocked",
    ),
    "dynamic": (more("a, b, e = DynamicQuantizeLinear(x)"), "node new", "before the model runs"),
    "integers of another scale": (
        text(("\n}", "\n [t] a = QuantizeLinear(x, t, z)\n [new] b = Concat<axis = 0>(q, a)\n}"),
             ("float s", "float t = {2}, float s")), "node new", "same type, scale and zero",
    ),
    "weights beyond": (
        more("a = QuantizeLinear(v, u, z)", "float v = {1e38}, float u = {1e-5}"), "node new",
        "divided by the scale is beyond float32",
    ),
    # Constants.
    "weights double": (change("float[2,1,3] k", "double[2,1,3] k"), "node conv", "is float64"),
    "weights half": (change("float[2,1,3] k", "float16[2,1,3] k"), "node conv", "is float16"),
    # Inputs.
    "input free": (change("float[N,4] x", "float[N,M] x"), "input x", "extent 1 must be a number"),
    "input empty": (change("float[N,4] x", "float[N,0] x"), "input x", "1 or more, got 0"),
    "input negative": (change("float[N,4] x", "float[N,-7] x"), "input x", "1 or more, got -7"),
    "input huge": (change("float[N,4] x", f"float[N,{HUGE}] x"), "input x", "than 2147483648"),
    "batch fixed": (change("float[N,4] x", "float[3,4] x"), "input x", "fixed batch of 3, 1 was"),
    "input half": (change("float[N,4] x", "float16[N,4] x"), "input x", "got FLOAT16"),
    "input of words": (change("float[N,4] x", "string[N,4] x"), "input x", "got STRING"),
    "input of truths": (change("float[N,4] x", "bool[N,4] x"), "input x", "got BOOL"),
    "input sequence": (change("float[N,4] x", "seq(float[4]) x"), "input x", "got sequence"),
    "input optional": (change("float[N,4] x", "optional(float[4]) x"), "input x", "got optional"),
    # Operators that there are not.
    "unknown domain": (
        text(("[relu] r = Relu", "[relu] r = evil.Magic")), "node relu", "unknown domain evil",
    ),
    "unknown operator": (more("a = Magic(x)"), "node new", "No Op registered for Magic"),
    "operator of a later set": (more("a = Gelu(x)"), "node new", "No Op registered for Gelu"),
    "unsupported operator": (more("a = Sin(x)"), "node new", "Sin is not supported yet"),
    "unknown of Microsoft": (more("a = com.microsoft.Inverse(x)"), "node new", "microsoft is not"),
    "unknown attribute": (more("a = Relu<slope = 1.0>(x)"), "node new", "attribute: slope"),
    "attribute of another type": (more('a = Softmax<axis = "all">(x)'), "node new", "INT"),
    "too many inputs": (more("a = Relu(x, m)"), "node new", "input size 2"),
    "too few inputs": (more("a = MatMul(x)"), "node new", "input size 1"),
    "input left out": (more('a = Add("", x)'), "node new", "input 0 is marked single"),
    "sequences": (more("a = SequenceConstruct(x)"), "node new", "SequenceConstruct is not"),
    "subgraph": (
        change("r = Relu(m)", "r = If(x) <then_branch = g () => (float[1] a) {a = Relu(m)}, "
               "else_branch = h () => (float[1] a) {a = Tanh(m)}>"),
        "node relu", "graph of their own",
    ),
    # Operators.
    "weights do not fit": (
        change("int8[4,3] w = {", "int8[5,3] w = {1,1,1,"), "node product", "no matrix product",
    ),
    "kernel too large": (change(PADS, "<dilations = [9]>(rows"), "node conv", "19 does not fit"),
    "kernel of another shape": (change(PADS, "<kernel_shape = [2]>(rows"), "node conv", "not that"),
    "kernel of two axes": (change("float[2,1,3] k", "float[2,3] k"), "node conv", "3 or more axes"),
    "groups": (change(PADS, "<group = 3>(rows"), "node conv", "3 groups"),
    "groups zero": (change(PADS, "<group = 0>(rows"), "node conv", "0 groups"),
    "stride zero": (change(PADS, "<strides = [0]>(rows"), "node conv", "strides must be"),
    "strides too many": (change(PADS, "<strides = [1, 1]>(rows"), "node conv", "strides must be 1"),
    "pads negative": (change("[1, 1]>(rows", "[-1, 0]>(rows"), "node conv", "pads must be 2"),
    "pads too few": (change("[1, 1]>(rows", "[1]>(rows"), "node conv", "pads must be 2"),
    "pads huge": (change("[1, 1]>(rows", f"[{HUGE}, 0]>(rows"), "node conv", "at most"),
    "auto_pad": (change(PADS, '<auto_pad = "ALL">(rows'), "node conv", "auto_pad must be"),
    "reshape": (change(SHAPE, "int64[2] shape = {3,5}"), "node reshape", "as many elements"),
    "reshape fixed batch": (
        change(SHAPE, "int64[3] shape = {7,1,4}"), "node reshape", "as many elements",
    ),
    "reshape two left over": (change(SHAPE, "int64[2] shape = {-1,-1}"), "node reshape", "one -1"),
    "reshape to nothing": (change(SHAPE, "int64[2] shape = {-2,4}"), "node reshape", "1 or more"),
    "reshape float": (change(SHAPE, "float[2] shape = {1,4}"), "node reshape", "list of integers"),
    "reshape computed": (change("Reshape(x, shape)", "Reshape(x, x)"), "node reshape", "constant"),
    "reshape long": (
        change(SHAPE, "int64[5000] shape = {" + ",".join(["1"] * 5000) + "}"), "node reshape",
        "at most 4096 integers, got 5000",
    ),
    "softmax axis": (more("a = Softmax<axis = 5>(x)"), "node new", "axis 5 is not one of 2 axes"),
    "transpose": (more("a = Transpose<perm = [0, 0]>(x)"), "node new", r"perm \(0, 0\)"),
    "concat": (more("a = Concat<axis = 0>(x, rows)"), "node new", "differ beside axis 0"),
    "add": (more("a = Add(x, k)"), "node new", "do not broadcast"),
    "slice of nothing": (more("a = Slice(x, i, i)", "int64[1] i = {9}"), "node new", "takes no"),
    "slice step": (
        more("a = Slice(x, i, i, i, o)", "int64[1] i = {1}, int64[1] o = {0}"), "node new", "step",
    ),
    "split": (more("a, b = Split<axis = 1>(x, i)", "int64[2] i = {3,3}"), "node new", "4 in all"),
    "gather": (more("a = Gather<axis = 1>(x, i)", "int64[1] i = {4}"), "node new", "-4 to 3"),
    "gather by floats": (more("a = Gather(x, x)"), "node new", "must be plain integers"),
    "squeeze": (more("a = Squeeze(x, i)", "int64[1] i = {1}"), "node new", "axis 1 of .* is not 1"),
    "pad too much": (
        more('a = Pad<mode = "reflect">(x, i)', "int64[4] i = {0,4,0,0}"), "node new", "at most 3",
    ),
    "pad huge": (
        more("a = Pad(x, i)", f"int64[4] i = {{0,{HUGE},0,0}}"), "node new", "than 2147483648",
    ),
    "expand huge": (more("a = Expand(x, i)", f"int64[3] i = {{{HUGE},1,1}}"), "node new", "extent"),
    "tile huge": (more("a = Tile(x, i)", f"int64[2] i = {{{HUGE},1}}"), "node new", "extent"),
    "constant huge": (
        more("a = ConstantOfShape(i)", f"int64[2] i = {{{1 << 30},{1 << 30}}}"), "node new",
        "1152921504606846976 elements, at most 16777216",
    ),
    "range endless": (
        more("a = Range(i, j, s)", "float i = {0}, float j = {1e30}"), "node new", "at most 167",
    ),
    "range that stands": (more("a = Range(i, i, i)", "float i = {0}"), "node new", "do not fit"),
    "infinity computed": (more("a = Div(s, i)", "float i = {0}"), "node new", "NaN or infinity"),
    "resize cubic": (
        more('a = Resize<mode = "cubic">(x, "", i)', "float[2] i = {1,1}"), "node new", "nearest",
    ),
    "resize huge": (
        more('a = Resize<mode = "nearest">(x, "", i)', "float[2] i = {1,1e30}"), "node new", "most",
    ),
    "second output": (
        more("a, b = MaxPool<kernel_shape = [2]>(rows)"), "node new", "first output is supported",
    ),
    "pool of padding": (
        more("a = MaxPool<kernel_shape = [2], pads = [2, 0]>(rows)"), "node new", "smaller than",
    ),
    "average pool": (
        more("a = AveragePool<kernel_shape = [3], strides = [2], ceil_mode = 1, "
             "count_include_pad = 1>(rows)"), "node new", "ceil_mode with count_include_pad",
    ),
    "training": (
        more("a = BatchNormalization<training_mode = 1>(x, b, b, b, b)", "float[4] b = {1,1,1,1}"),
        "node new", "training_mode must be 0|output size",
    ),
    "variance": (
        more("a = BatchNormalization(x, b, b, b, b)", "float[4] b = {-1,1,1,1}"), "node new",
        "variance must not be negative",
    ),
    "normalised otherwise": (
        more("a = LayerNormalization(x, b)", "float[3] b = {1,1,1}"), "node new", "must have shape",
    ),
    "Gemm of integers": (
        more("a = Gemm<alpha = 2.0>(f, wf)"), "node new", r"alpha must be 1\.0, got 2\.0",
    ),
    "floats of integers": (more("a = Relu(q)"), "node new", "`q` is int8; .* takes float32"),
    "cast": (more("a = Cast<to = 10>(x)"), "node new", "from float32 to float16"),
}  # fmt: skip


def outcome(path, batch=1):
    """The diagnostics, which must come soon."""
    started = time.process_time()
    with pytest.raises(SpecError) as caught:
        model_graph(read_model(path), path, batch)
    assert time.process_time() - started < SECONDS
    return caught.value.diagnostics


def write(path, model):
    path.write_bytes(parser.parse_model(model).SerializeToString())
    return path


def test_the_good_model(tmp_path):
    path = write(tmp_path / "model.onnx", GOOD)
    graph = model_graph(read_model(path), path, 5)
    assert [op.kind for op in graph.ops].count("matmul") == 1
    assert [t.shape for t in graph.outputs] == [(5, 3), (5, 2, 4)]
    assert all(isinstance(item, onnx.NodeProto) for item in read_model(path).graph.node)


@pytest.mark.parametrize("name", BAD)
def test_bad_model(name, tmp_path):
    model, place, rule = BAD[name]
    path = write(tmp_path / "model.onnx", model)
    found = outcome(path)
    shown = "\n".join(item.render() for item in found)
    fits = [item.path.startswith(place) and re.search(rule, item.rule) for item in found]
    assert any(fits), f"{name}: {place!r}: {rule!r} is not in\n{shown}"
    assert all(item.help for item in found), f"{name}: what to do?\n{shown}"
    assert all(item.file == str(path) for item in found)
    assert list(tmp_path.iterdir()) == [path], "something was written"


def test_all_mistakes_at_once(tmp_path):
    model = text(
        ("int8[3] wz = {0,0,0}", "int8[2] wz = {0,0}"),
        (PADS, "<group = 3>(rows"),
        ("\n}", "\n [new] a = Sin(x)\n}"),
    )
    found = outcome(write(tmp_path / "model.onnx", model))
    assert [item.path for item in found] == [
        "node W (DequantizeLinear)", "node conv (Conv)", "node new (Sin)",
    ]  # fmt: skip
    assert found[2].help == OPERATORS_HELP and len(OPERATORS_HELP) < 100


def test_a_thousand_mistakes_are_counted(tmp_path):
    nodes = "".join(f"\n  [sin{number}] a{number} = Sin(x)" for number in range(1000))
    found = outcome(write(tmp_path / "model.onnx", text(("\n}", nodes + "\n}"))))
    assert len(found) == 201
    assert found[-1].rule == "and 800 more"

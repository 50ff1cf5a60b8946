"""Names in a model, hostile: every file of the design reads back, and says the same of it."""

import copy
import html.parser
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from tilewright.build.accelerator_files import write_design
from tilewright.build.files import to_json_bytes
from tilewright.build.manifests import accelerator_manifest, contents
from tilewright.catalog import load_spec
from tilewright.flow.design import make_design
from tilewright.spec import SpecError

SPEC = """\
tilewright: 1
name: little
model: model.onnx
accelerator:
  scratchpad: {capacity: 4KiB, banks: 8}
  memory: {bytes_per_cycle: 4}
  engines: {array: {template: systolic, rows: 2, cols: 2, lanes: 4}}
"""
LAYERS = 3


def model() -> onnx.ModelProto:
    """Quantised matrix products in a chain, every tensor and node with a name."""
    rng = np.random.default_rng(5)
    nodes: list[Any] = []
    constants: list[Any] = []

    def constant(name: str, value: Any) -> str:
        constants.append(numpy_helper.from_array(np.asarray(value), name))
        return name

    def node(kind: str, inputs: list[str], result: str, **attributes: Any) -> str:
        nodes.append(helper.make_node(kind, inputs, [result], name=f"node_{result}", **attributes))
        return result

    scale, zero = constant("scale", np.float32(0.25)), constant("zero", np.int8(1))
    value = "x"
    for layer in range(LAYERS):
        quantised = node("QuantizeLinear", [value, scale, zero], f"q{layer}")
        value = node("DequantizeLinear", [quantised, scale, zero], f"d{layer}")
        weights = constant(f"w{layer}", rng.integers(-20, 21, (4, 4), dtype=np.int8))
        weight_scale = constant(f"ws{layer}", np.full(4, 0.125, np.float32))
        weight_zero = constant(f"wz{layer}", np.zeros(4, np.int8))
        floats = node(
            "DequantizeLinear", [weights, weight_scale, weight_zero], f"wd{layer}", axis=1
        )
        value = node("MatMul", [value, floats], f"m{layer}")
    node("QuantizeLinear", [value, scale, zero], "last")
    node("DequantizeLinear", ["last", scale, zero], "y")
    x, y = (helper.make_tensor_value_info(n, TensorProto.FLOAT, ["N", 4]) for n in "xy")
    graph = helper.make_graph(nodes, "graph", [x], [y], constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def names_of(proto: onnx.ModelProto) -> list[str]:
    """All names of tensors and nodes, each once."""
    graph = proto.graph
    names = [t.name for t in (*graph.input, *graph.initializer)]
    for node in graph.node:
        names += [node.name, *node.output]
    return names


def renamed(proto: onnx.ModelProto, names: dict[str, str]) -> onnx.ModelProto:
    changed = copy.deepcopy(proto)
    graph = changed.graph
    for thing in (*graph.input, *graph.output, *graph.initializer):
        thing.name = names.get(thing.name, thing.name)
    for node in graph.node:
        node.name = names.get(node.name, node.name)
        node.input[:] = [names.get(name, name) for name in node.input]
        node.output[:] = [names.get(name, name) for name in node.output]
    return changed


def files_of(proto: onnx.ModelProto, folder: Path) -> dict[str, str]:
    """The files of the model's design by name."""
    folder.mkdir()
    onnx.save(proto, folder / "model.onnx")
    (folder / "design.yaml").write_text(SPEC)
    design = make_design(load_spec(folder / "design.yaml"), batch=1)
    out = folder / "out"
    write_design(design, out, verilog="")
    manifest = to_json_bytes(contents(accelerator_manifest(design, seed=1)))
    (out / "manifest.json").write_bytes(manifest)
    return {path.name: path.read_text() for path in out.iterdir()}


@pytest.fixture(scope="module")
def usual(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The files with harmless names."""
    return files_of(model(), tmp_path_factory.mktemp("usual") / "model")


class Tags(html.parser.HTMLParser):
    """Tags with their attributes' names."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, tuple[str, ...]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, tuple(name for name, _ in attrs)))


C_LINE = re.compile(r"|/\* [^*]* \*/|#(ifndef|define) \w+( \w+)?|#endif /\* \w+ \*/", re.ASCII)


def check_file(name: str, text: str, usual: str) -> None:
    """A file reads back, with as much in it as the harmless one."""
    suffix = Path(name).suffix
    if suffix == ".json":
        json.loads(text)
        assert text.isascii(), name
        return
    assert len(text.splitlines()) == len(usual.splitlines()), name
    assert all(line.isprintable() for line in text.split("\n")), name
    if suffix == ".h":
        assert all(C_LINE.fullmatch(line) for line in text.splitlines())
    elif suffix == ".html":
        assert Tags(text).found == Tags(usual).found
    elif suffix == ".hex":
        assert re.fullmatch(r"([0-9a-f]+\n)+", text)


def test_names_of_tensors_and_nodes(
    strings: list[str], usual: dict[str, str], tmp_path: Path
) -> None:
    good = model()
    slots = names_of(good)
    texts = [t for t in strings if t and not any("\ud800" <= c <= "\udfff" for c in t)]
    for start in range(0, len(texts), len(slots)):
        names = dict(zip(slots, texts[start:], strict=False))
        try:
            found = files_of(renamed(good, names), tmp_path / str(start))
        except SpecError as error:  # a name that the importer refuses, said so that it is harmless
            rendered = error.render(color=False)
            assert all(c.isprintable() or c == "\n" for c in rendered)
            continue
        assert found.keys() == usual.keys()
        for name, text in found.items():
            check_file(name, text, usual[name])
        manifest = json.loads(found["manifest.json"])
        assert manifest["name"] == "little"
        assert [port["name"] for port in manifest["inputs"]] == [names.get("x", "x")]
        origins = {t["origin"] for t in json.loads(found["graph.json"])["tensors"]}
        assert {names.get(f"w{layer}", f"w{layer}") for layer in range(LAYERS)} <= origins

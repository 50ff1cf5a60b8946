"""The frozen objects refuse what is wrong, and come back from JSON as they were."""

import dataclasses
import json

import numpy as np
import pytest
from tilewright.dataflow.graph import Graph, Op, Tensor
from tilewright.dataflow.machine import Engine, Link, Machine, Memory, Scratchpad
from tilewright.dataflow.manifest import File, Manifest, ModelPort, Port, Register
from tilewright.dataflow.plan import BankRange, Certificate, Plan, Residency
from tilewright.dataflow.program import Command, Loop, Program, Signal, Token, Wait
from tilewright.dataflow.serial import SerialError, from_json, to_json
from tilewright.dataflow.task import Region, Task

DIGEST = "0" * 64


def tensor(name: str, role: str = "intermediate", **changes: object) -> Tensor:
    fields = {"name": name, "shape": (2, 3), "number_format": "int8", "role": role} | changes
    return Tensor(**fields)


def graph() -> Graph:
    data = np.arange(6, dtype=np.int8).reshape(2, 3)
    op = Op(name="add", kind="add", inputs=("x", "w"), outputs=("y",), attributes={"maximum": 1})
    tensors = (
        tensor("x", "input", scale=(0.5,), zero_point=(-3,)),
        tensor("w", "constant", data=data, scale=(1.0, 2.0, 0.1), zero_point=(0, 0, 0), axis=1),
        tensor("y", "output"),
    )
    return Graph(name="g", ops=(op,), tensors=tensors)


def program() -> Program:
    load = Command(
        operation="load",
        loops=(Loop(bound=2, strides={"local": 1, "memory": -4}),),
        bases={"local": 3, "memory": 9},
        fields={"run_words": 2, "target": 0},
        signals=(Signal(token="t", count=1, level=0),),
    )
    read = Command(
        operation="read", loops=(Loop(bound=2),), waits=(Wait(token="t", count=2, level=1),)
    )
    token = Token(name="t", producer="load", consumer="array.a", maximum=2)
    return Program(units={"load": (load,), "array.a": (read,)}, tokens=(token,))


def machine() -> Machine:
    return Machine(
        engines=(Engine(name="array", kind="systolic", params={"rows": 4, "dataflow": "x"}),),
        scratchpad=Scratchpad(banks=3, words_per_bank=64, word_bits=96),
        memory=Memory(bytes_per_cycle=8, latency_cycles=40),
    )


def plan() -> Plan:
    banks = BankRange(name="a", start=0, end=2)
    region = Region(tensor="x", start=(0, 0), end=(2, 3))
    task = Task(
        name="t",
        op="add",
        engine="array",
        engine_kind="systolic",
        bounds={"k_blocks": 1},
        operands=(region,),
        results=(region,),
        cycles=4,
    )
    kept = Residency(
        tensor="x", tile=(0,), banks=banks, offset_words=0, words=4, from_step=0, to_step=1
    )
    return Plan(
        tasks=(task,),
        banks=(banks,),
        residencies=(kept,),
        loads=(),
        stores=(),
        memory=(),
        memory_words=0,
        certificate=Certificate(bytes=8, lower_bound_bytes=4, method="m", seconds=0.5),
        settings={"b_slots": 2},
    )


def manifest() -> Manifest:
    return Manifest(
        design="accelerator",
        name="m",
        files=(File(path="rtl/top.v", sha256=DIGEST, bytes=3),),
        ports=(Port(name="aclk", direction="input", bits=1),),
        parameters={"rows": 8, "mode": "exact", "is_rom": True, "scale": 0.5},
        clock="aclk",
        reset="aresetn",
        registers=(Register(name="control", offset_bytes=0, bits=32, access="rw"),),
        inputs=(
            ModelPort(
                name="x",
                address_bytes=0,
                words=4,
                shape=(1, 64),
                number_format="int8",
                scale=(0.1,),
                zero_point=(-128,),
                layout="activations",
            ),
        ),
        outputs=(),
        spec_sha256=DIGEST,
        versions={"tilewright": "0.1.0"},
        seed=1,
    )


OBJECTS = [graph(), program(), machine(), plan(), manifest()]


@pytest.mark.parametrize("item", OBJECTS, ids=lambda item: type(item).__name__)
def test_json_both_ways(item):
    text = json.dumps(to_json(item), sort_keys=True, allow_nan=False)
    again = from_json(type(item), json.loads(text))
    assert again == item
    assert json.dumps(to_json(again), sort_keys=True) == text
    with pytest.raises(dataclasses.FrozenInstanceError):
        item.name = "other"


@pytest.mark.parametrize("item", OBJECTS, ids=lambda item: type(item).__name__)
def test_json_mistakes_are_refused(item):
    good = json.loads(json.dumps(to_json(item)))
    first = dataclasses.fields(item)[0].name
    for change, words in [
        ({"surplus": 1}, "unknown keys: 'surplus'"),
        ({"version": 2}, "version: must be 1, got 2"),
        ({"version": True}, "version: must be 1"),
        ({"kind": "other"}, "kind: must be"),
        ({first: 1.5}, f"{good['kind']}.{first}: must be"),
    ]:
        with pytest.raises(SerialError, match=words.replace(".", r"\.")):
            from_json(type(item), good | change)
    del good[first]
    with pytest.raises(SerialError, match=f"missing keys: {first}"):
        from_json(type(item), good)
    for other in (None, [], "text", 3):
        with pytest.raises(SerialError):
            from_json(type(item), other)


def test_nested_unknown_key_has_its_path():
    data = json.loads(json.dumps(to_json(program())))
    data["tokens"][0]["colour"] = "red"
    with pytest.raises(SerialError, match=r"program\.tokens\[0\]: unknown keys: 'colour'"):
        from_json(Program, data)


def test_json_array_of_wrong_size_is_refused():
    data = json.loads(json.dumps(to_json(graph())))
    data["tensors"][1]["data"]["shape"] = [2, 1 << 40]
    with pytest.raises(SerialError, match=r"takes .* bytes, got 6"):
        from_json(Graph, data)
    data["tensors"][1]["data"] = {"dtype": "object", "shape": [1], "base64": ""}
    with pytest.raises(SerialError, match="dtype: must be one of"):
        from_json(Graph, data)


def test_data_cannot_be_changed():
    constant = graph().tensor("w").data
    with pytest.raises(ValueError, match="read-only"):
        constant[0, 0] = 1
    with pytest.raises(TypeError):
        graph().ops[0].attributes["maximum"] = 2


def test_graph_view_and_text():
    view = graph().networkx()
    assert list(view.predecessors("op:add")) == ["tensor:x", "tensor:w"]
    assert list(view.successors("op:add")) == ["tensor:y"]
    assert "y = add(x, w) maximum=1" in str(graph())


@pytest.mark.parametrize(
    ("ops", "words"),
    [
        ([("a", ("x",), ("y",)), ("a", ("y",), ("z",))], "ops: named twice: a"),
        ([("a", ("q",), ("y",))], "tensor 'q' is not in the graph"),
        ([("a", ("z",), ("y",)), ("b", ("y",), ("z",))], "z is made by no earlier op"),
        ([("a", ("x",), ("y",)), ("b", ("x",), ("y",))], "y is already made"),
        ([("a", ("x",), ("z",))], "outputs that no op makes: y"),
    ],
)
def test_graph_mistakes(ops, words):
    tensors = (tensor("x", "input"), tensor("y", "output"), tensor("z"))
    with pytest.raises(ValueError, match=words):
        Graph(
            name="g",
            ops=tuple(Op(name=n, kind="relu", inputs=i, outputs=o) for n, i, o in ops),
            tensors=tensors,
        )


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"number_format": "int0"}, "number_format 'int0'"),
        ({"number_format": "int48"}, "number_format 'int48'"),
        ({"number_format": "float32", "scale": (1.0,), "zero_point": (0,)}, "float32 has no scale"),
        ({"scale": (0.0,), "zero_point": (0,)}, "scales must be positive and finite"),
        ({"scale": (float("nan"),), "zero_point": (0,)}, "scales must be positive and finite"),
        ({"scale": (1.0,), "zero_point": (128,)}, r"zero points must lie in -128\.\.127"),
        (
            {"number_format": "int4", "role": "constant", "data": np.full((2, 3), 8, np.int8)},
            "data beyond int4",
        ),
        ({"shape": (0, 3)}, "extent below 1"),
        ({"axis": 2}, "axis 2 is not in shape"),
        ({"scale": (1.0,)}, "as many scales as zero points"),
        ({"scale": (1.0, 1.0), "zero_point": (0, 0)}, "1 scales, got 2"),
        ({"data": np.zeros((2, 3), np.int8)}, "constants and only they"),
        ({"role": "constant", "data": np.zeros((3, 2), np.int8)}, "data must be int8"),
        ({"name": ""}, "at least one character"),
    ],
)
def test_tensor_mistakes(changes, words):
    with pytest.raises(ValueError, match=words):
        tensor(**({"name": "t"} | changes))


def test_program_mistakes():
    good = program()
    wrong = Command(operation="read", loops=(), signals=(Signal(token="t", count=1, level=0),))
    with pytest.raises(ValueError, match=r"array\.a may not signal token t"):
        Program(units={**good.units, "array.a": (wrong,)}, tokens=good.tokens)
    with pytest.raises(ValueError, match=r"token t: no unit array\.a"):
        Program(units={"load": ()}, tokens=good.tokens)
    with pytest.raises(ValueError, match=r"level of t: 0\.\.1, got 2"):
        Command(
            operation="read",
            loops=(Loop(bound=1),),
            waits=(Wait(token="t", count=1, level=2),),
        )
    with pytest.raises(ValueError, match="loop bound: must be an integer of at least 1, got 0"):
        Loop(bound=0)
    with pytest.raises(ValueError, match="maximum: must be an integer of at least 3"):
        Token(name="t", producer="a", consumer="b", initial=3, maximum=2)


def test_other_mistakes():
    with pytest.raises(ValueError, match=r"banks of a \[0, 2\) overlap with those of b \[1, 3\)"):
        dataclasses.replace(
            plan(), banks=(BankRange(name="b", start=1, end=3), BankRange(name="a", start=0, end=2))
        )
    with pytest.raises(ValueError, match="must be a power of two, got 48"):
        Scratchpad(banks=1, words_per_bank=48, word_bits=8)
    with pytest.raises(ValueError, match="no engine b"):
        dataclasses.replace(machine(), links=(Link(producer="array", consumer="b"),))
    for path in ("/etc/x", "../x", "a/../b", "", "a\\b"):
        with pytest.raises(ValueError, match="must lie inside the folder"):
            File(path=path, sha256=DIGEST, bytes=0)
    with pytest.raises(ValueError, match="64 hexadecimal digits"):
        File(path="a", sha256="xyz", bytes=0)

"""Lists of layers in YAML, ours and ZigZag's: what they mean and what is wrong with them."""

from pathlib import Path

import pytest
from tilewright.dse.workloads.layers import Convolution, Matmul
from tilewright.dse.workloads.listed import parse_list
from tilewright.dse.workloads.read import read_workload
from tilewright.dse.workloads.zigzag import parse_zigzag

from tilewright.spec.diagnostics import SpecError

OURS = """
name: two
source: a paper
layers:
  - {name: c, kind: convolution, B: 2, K: 8, C: 4, OY: 6, OX: 5, FY: 3, FX: 1, stride: [2, 1],
     dilation: 3, groups: 4, repeats: 7, kept: [2, 4]}
  - {name: p, kind: matmul, M: 3, K: 5, N: 7, has_weights: false}
"""


def test_our_list() -> None:
    workload = parse_list(OURS, "x.yaml")
    assert (workload.name, workload.source) == ("two", "a paper")
    assert workload.layers == (
        Convolution(
            name="c",
            B=2,
            K=8,
            C=4,
            OY=6,
            OX=5,
            FY=3,
            FX=1,
            stride=(2, 1),
            dilation=(3, 3),
            groups=4,
            repeats=7,
            kept=(2, 4),
        ),
        Matmul(name="p", M=3, K=5, N=7, has_weights=False),
    )
    assert workload.weights == workload.layers[0].weights


def heads(text: str, zigzag: bool = False) -> list[str]:
    with pytest.raises(SpecError) as caught:
        (parse_zigzag if zigzag else parse_list)(text, "f.yaml")
    return [d.render().split("\n")[0] for d in caught.value.diagnostics]


def test_all_mistakes_of_a_list() -> None:
    text = """name: a
layer: 3
layers:
  - {name: c, kind: conv, K: 64}
  - {name: fc, kind: matmul, M: 0, k: 2048, N: x}
  - 3
  - {name: d, kind: convolution, K: 6, C: 3, OY: 2, OX: 2, FY: 7, FX: 7, stride: [1], groups: 2}
  - {name: e, kind: convolution, K: 6, C: 3, OY: 2, OX: 2, FY: 7, FX: 7, groups: 2}
"""
    whole = "must be a whole number from 1 to 2147483647"
    assert heads(text) == [
        "f.yaml:2:1: error: layer: is no key here",
        "f.yaml:4:21: error: layers[0].kind: must be `matmul` or `convolution`, got conv",
        "f.yaml:5:5: error: layers[1]: needs the key K, got a mapping",
        f"f.yaml:5:33: error: layers[1].M: {whole}, got 0",
        "f.yaml:5:36: error: layers[1].k: is no key here",
        f"f.yaml:5:48: error: layers[1].N: {whole}, got x",
        "f.yaml:6:5: error: layers[2]: must be a layer: `{name: ..., kind: ..., ...}`, got 3",
        "f.yaml:7:82: error: layers[3].stride: must be a whole number or a list of two, got a list",
        "f.yaml:8:5: error: layers[4]: groups must divide K and C, 2 does not, got a mapping",
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("3", "must be a workload"),
        ("name: a", "layers: must be a list"),
        ("name: a\nlayers: []", "layers: must be a list"),
        ("layers: [{name: p, kind: matmul, M: 1, K: 1, N: 1}]", "name: must be a text"),
        ("name: a\nlayers: [{kind: matmul, M: 1, K: 1, N: 1}]", "name: must be a text"),
        (
            "name: a\nlayers: [{name: p, kind: matmul, M: 1, K: 1, N: 1, kept: 2}]",
            "kept: must be a list of two",
        ),
        (
            "name: a\nlayers: [{name: p, kind: matmul, M: 1, K: 1, N: 1, has_weights: 1}]",
            "must be true or false",
        ),
        ("name: a\nname: b\nlayers: []", "name"),
    ],
)
def test_other_mistakes_of_a_list(text: str, words: str) -> None:
    assert any(words in head for head in heads(text))


CONVOLUTION = """- id: 0
  name: first
  operator_type: Conv
  equation: O[b][g][k][oy][ox]+=W[g][k][c][fy][fx]*I[b][g][c][iy][ix]
  dimension_relations: [ix=2*ox+1*fx, iy=3*oy + 4*fy]
  loop_dims: [B, G, K, C, OY, OX, FY, FX]
  loop_sizes: [2, 5, 64, 3, 112, 56, 7, 5]
  operand_precision: {W: 8, I: 8, O: 16, O_final: 8}
"""
OTHERS = """- id: 1
  operator_type: Pooling
  equation: O[b][g][oy][ox]+=W[fx][fy]*I[b][g][iy][ix]
  dimension_relations: [ix=2*ox+1*fx, iy=2*oy+1*fy]
  loop_dims: [B, G, OY, OX, FX, FY]
  loop_sizes: [1, 64, 56, 56, 3, 3]
- id: 2
  operator_type: Add
  equation: O[b][g]=W[b][g]+I[b][g]
  loop_dims: [B, G]
  loop_sizes: [1, 64]
- id: 3
  operator_type: Gemm
  equation: O[b][d0][d1]+=I[b][d0][d2]*W[b][d2][d1]
  loop_dims: [B, D0, D1, D2]
  loop_sizes: [4, 16, 32, 64]
"""


def test_zigzag_layers(tmp_path: Path) -> None:
    file = tmp_path / "net.yaml"
    file.write_text(CONVOLUTION + OTHERS)
    workload = read_workload(file)
    assert workload.layers == (
        Convolution(
            name="first",
            B=2,
            K=320,
            C=15,
            OY=112,
            OX=56,
            FY=7,
            FX=5,
            stride=(3, 2),
            dilation=(4, 1),
            groups=5,
        ),
        Matmul(name="layer 3", M=16, K=64, N=32, repeats=4),
    )
    assert workload.name == "net"
    assert [note.split(":")[0] for note in workload.notes] == ["layer 1", "layer 2"]


def test_a_zigzag_convolution_is_the_product_of_its_loops() -> None:
    (layer,) = parse_zigzag(CONVOLUTION, "x.yaml").layers
    assert layer.macs == 2 * 5 * 64 * 3 * 112 * 56 * 7 * 5


def test_all_mistakes_of_a_zigzag_file() -> None:
    text = """- id: 0
  equation: O[d0][d1]+=I[d0][d2]*W[d2][d1]
  loop_dims: [D0, D1, D2]
  loop_sizes: [128, 128, x]
- equation: O[d0]=3
- equation: O[d0][d1]+=I[d0][d2]*W[d2][d3]
  loop_dims: [D0, D1, D2]
  loop_sizes: [128, 128, 1]
- 4
- equation: O[d0][d1]+=I[d0][d2]*W[d2][d1]
  loop_dims: [D0, D1, D2, D3]
  loop_sizes: [1, 2, 3]
- equation: O[d0][d1]+=I[d0][d2]*W[d2][d1]
  loop_dims: [D0, D1, D2, D3]
  loop_sizes: [1, 2, 3, 4]
- equation: O[d0][d1]+=I[d0][d2]*W[d2][d1]
  loop_dims: [D0, D1, D2, d2]
  loop_sizes: [1, 2, 3, 4]
- equation: O[d0][d1]+=I[d0][d2]*W[d2][d1]
  dimension_relations: [ix-3]
  loop_dims: [D0, D1, D2]
  loop_sizes: [1, 2, 3]
- equation: O[d0][d1]+=I[d0][d2][d3]*W[d2][d1]
  loop_dims: [D0, D1, D2, D3]
  loop_sizes: [1, 2, 3, 4]
"""
    found = heads(text, zigzag=True)
    words = (
        "[0].loop_sizes[2]: must be a whole number",
        "[1].equation: must be an equation of two operands",
        "[2].equation: has the index d3, which is no loop",
        "[3]: must be a layer with `equation`",
        "[4].loop_sizes: must have as many entries as loop_dims, 4, has 3",
        "[5].loop_dims: d3 is not in the equation",
        "[6].loop_dims[3]: names the loop d2 twice",
        "[7].dimension_relations[0]: must be a relation",
        "[8]: has a loop that is in one operand, or in the result, alone",
    )
    assert len(found) == len(words)
    for head, expected in zip(found, words, strict=True):
        assert expected in head


@pytest.mark.parametrize("text", ["a: 1", "[]", OTHERS[: OTHERS.index("- id: 3")]])
def test_a_zigzag_file_without_layers(text: str) -> None:
    with pytest.raises(SpecError, match=r"must be a list of layers|must have a layer"):
        parse_zigzag(text, "x.yaml")

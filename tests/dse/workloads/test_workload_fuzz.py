"""Damaged files: every reader ends in a workload or in located messages, never in another error."""

from collections.abc import Callable

import numpy as np
import pytest
from tilewright.dse.workloads.layers import Workload
from tilewright.dse.workloads.listed import parse_list
from tilewright.dse.workloads.scale_sim import parse_topology
from tilewright.dse.workloads.zigzag import parse_zigzag

from tilewright.spec.diagnostics import Diagnostic, SpecError

TOPOLOGY = (
    "Layer name, IFMAP Height, IFMAP Width, Filter Height, Filter Width, Channels, Num Filter, "
    'Strides, Sparsity,\nA, 9, 9, 3, 3, 2, 5, 2, 2:4,\nNet,\n"B, DP",4,4,1,1,7,8,1,,\n#x\n,,,\n'
)
PRODUCTS = "Layer,M,N,K,\r\nA,3,5,7,\r\nB,11,13,17\r\n"
LIST = """name: a
source: b
layers:
  - {name: c, kind: convolution, K: 6, C: 4, OY: 2, OX: 2, FY: 7, FX: 7, stride: [1, 2], groups: 2}
  - {name: d, kind: matmul, M: 3, K: 5, N: 7, has_weights: false, kept: [2, 4]}
"""
ZIGZAG = """- id: 0
  equation: O[b][k][oy][ox]+=W[k][c][fy][fx]*I[b][c][iy][ix]
  dimension_relations: [ix=2*ox+1*fx, iy=2*oy+1*fy]
  loop_dims: [B, K, C, OY, OX, FY, FX]
  loop_sizes: [1, 64, 3, 112, 112, 7, 7]
- operator_type: Add
  equation: O[d0][d1]+=I[d0][d2]*W[d2][d1]
  loop_dims: [D0, D1, D2]
  loop_sizes: [1, 2, 3]
"""
PIECES = [
    *',\t;\n\r"#:[]{}+-*=0 9²xÄ\x00\ufeff',
    "99999999999999999999",
    "null",
    "DP",
    "M,N,K",
    "- ",
]


def damaged(text: str, random: np.random.Generator) -> str:
    """A few pieces put in, taken out, or lines doubled and lost."""
    for _ in range(random.integers(1, 5)):
        place = int(random.integers(0, len(text) + 1))
        what = random.integers(0, 4)
        if what == 0:
            text = text[:place] + PIECES[random.integers(len(PIECES))] + text[place:]
        elif what == 1:
            text = text[:place] + text[place + int(random.integers(1, 9)) :]
        else:
            lines = text.split("\n")
            index = int(random.integers(len(lines)))
            lines[index : index + 1] = [lines[index]] * 2 if what == 2 else []
            text = "\n".join(lines)
    return text


@pytest.mark.parametrize(
    ("read", "text"),
    [
        (parse_topology, TOPOLOGY),
        (parse_topology, PRODUCTS),
        (parse_list, LIST),
        (parse_zigzag, ZIGZAG),
    ],
)
def test_damaged_files(read: Callable[[str, str], Workload], text: str) -> None:
    assert read(text, "whole").layers
    random = np.random.default_rng(20)
    outcomes = {"read": 0, "refused": 0}
    for turn in range(400):
        broken = damaged(text, random)
        mistakes: tuple[Diagnostic, ...] = ()
        try:
            workload = read(broken, "file")
        except SpecError as error:
            mistakes = error.diagnostics
        except Exception as error:
            raise AssertionError(f"turn {turn}: {error!r} of {broken!r}") from error
        else:
            assert workload.layers and workload.columns()["macs"].min() >= 1
        outcomes["refused" if mistakes else "read"] += 1
        for mistake in mistakes:
            assert mistake.file == "file" and mistake.line is not None, (turn, broken)
            assert mistake.render()
    assert min(outcomes.values()) > 10, outcomes

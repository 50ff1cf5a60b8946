"""The commented specs that `tilewright init` writes."""

from __future__ import annotations

from typing import Literal

SCHEMA_LINE = "# yaml-language-server: $schema={schema}"

_HEAD = """\
{schema_line}
# A Tilewright spec. Lines that start with `#` show keys with their defaults.
tilewright: 1                       # version of this format
name: {name}
"""

_KERNEL = """\
kernel:
  template: systolic                # matrix multiplication: A (M x K) times B (K x N)
  rows: 8                           # processing elements: rows x cols MACs per cycle
  cols: 8
  # dataflow: output_stationary     # or weight_stationary
  # lanes: 16                       # elements of a stream word, at least max(rows, cols)
  # a: int8                         # number formats: int2..int16, uint2..uint16
  # b: int8
  # accumulator_bits: 32
  # a_feed: k_inner                 # or k_outer: a word holds one k of all rows
  # b_feed: k_inner
  # output: int8                    # or raw: the accumulators
  # requantize: {{mode: exact}}       # or {{mode: fixed, multiplier_bits: 24}}
  # param_sets: 8                   # sets of per-channel parameters held at once
## board: ulx3s-85f                # a board: its clock, its memory, what fits on its FPGA
## clock: 25MHz                    # another clock than the board's oscillator
# verify:                           # `tilewright verify` simulates random commands
#   samples: 10
#   seed: 1
"""

_ACCELERATOR = """\
model: {model:<29}# a quantised model, relative to this file
accelerator:
  engines:
    array: {{template: systolic, rows: 8, cols: 8}}
  # scratchpad: {{capacity: 64KiB, banks: 8}}
  # memory: {{bytes_per_cycle: 16, latency_cycles: 40, outstanding: 8}}
  # program: rom                    # or ram: replaceable over AXI4-Lite
## board: ulx3s-85f                # a board: its clock, its memory, what fits on its FPGA
## clock: 25MHz                    # another clock than the board's oscillator
# schedule:
#   objective: cycles               # or bytes: what moves to and from memory
#   time_limit: 10s
# verify:                           # `tilewright verify` simulates these samples
#   inputs: inputs.npz              # one array for each input of the model
#   arrays: {{x: x_test}}             # where the array is named otherwise than the input
#   labels: y_test                  # array of the right classes, to count right answers
#   samples: 100
#   batch: 100                      # samples that one start computes
#   seed: 1
"""


def spec_template(
    form: Literal["kernel", "accelerator"],
    name: str = "my_design",
    *,
    schema: str = "tilewright.schema.json",
    model: str = "model.onnx",
) -> str:
    """A commented spec to start from; `schema` is where the editor finds the JSON Schema."""
    head = _HEAD.format(schema_line=SCHEMA_LINE.format(schema=schema), name=name)
    body = _KERNEL if form == "kernel" else _ACCELERATOR
    return head + body.format(model=f"{model} ")

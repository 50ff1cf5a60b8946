"""Rows of the engine radix_select: simulated cycles, the law's, and LUTs.

`trace_p16` plays the (n, k) pairs of all rows of a published trace of SpAtten (Wang et al. 2021,
repository mit-han-lab/spatten, the trace of gpt2-small on wikitext2): `key_fetch_num` keys, of
which `value_fetch_num` are wanted, back to back, 16 keys per cycle. The file is looked for in
`../shared/data/sparse` beside the project, or in `sparse` below $TILEWRIGHT_DATA; SHA256 below says
which contents the goal is for. Keys are uniform random from SEED. The other rows are one packet of
1,024 keys, from the first transfer in to the last out, with keys of six kinds.

Peers: cycles of SpAtten's quick-select by its latency model; limits: one word of 16 keys per cycle
in, and for one packet the same out again.
"""

import csv
import hashlib
import os
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tilewright.hw.topk.kernel import TopKKernel
from tilewright.hw.topk.mapping import Packet, packet_of
from tilewright.hw.topk.params import TopKParams
from tilewright.sim.regress import Job

from parts.area import area_of
from tilewright.build.kernel_run import simulate_kernels
from tilewright.build.verilog import emit
from tilewright.flow.case_parts import Work, case_of
from tilewright.flow.topk_cases import keys_of, ports, work_of
from tilewright.spec.numbers import NumberFormat

Row = dict[str, Any]

SEED = 31
LANES = 16
NUM_KEYS = 1024
FILE = "spatten_gpt2-small-wikitext2-per8.csv"
SHA256 = "5f17e1c00556cd6d3a1152dc5eb5e01de00fb8c8a39d13ce1260aba5f776c52d"
TRACE = {"goal": 20.0, "peer": 116, "limit": 17.9}
WANTED = {64: 449, 512: 513}
"""k and the peer's cycles."""

LIMIT = 2 * NUM_KEYS // LANES
KINDS = ("random", "sorted", "reversed", "equal", "two_valued", "one_hot")
SHAPE_MARGIN = 1.10
"""No kind of keys may take more than this much of what random ones take."""


@dataclass(frozen=True, kw_only=True)
class Variant:
    """A kernel that is measured; goals are None where it has none."""

    name: str
    key_bits: int
    digit_bits: int
    cycles_goal: int | None
    lut_goal: int | None

    @property
    def params(self) -> TopKParams:
        return TopKParams(
            engine="radix_select",
            lanes=LANES,
            key=NumberFormat(self.key_bits, signed=False),
            k_max=512,
            max_words=NUM_KEYS // LANES,
            order="index",
            digit_bits=self.digit_bits,
        )


VARIANTS = (
    Variant(name="8bit", key_bits=8, digit_bits=8, cycles_goal=145, lut_goal=12_000),
    Variant(name="16bit", key_bits=16, digit_bits=8, cycles_goal=215, lut_goal=12_000),
    Variant(name="8bit_small", key_bits=8, digit_bits=4, cycles_goal=None, lut_goal=4_000),
    Variant(name="16bit_small", key_bits=16, digit_bits=4, cycles_goal=None, lut_goal=None),
)


def trace_file() -> Path:
    """Where the trace is."""
    beside = Path(__file__).resolve().parents[3] / "shared" / "data"
    return Path(os.environ.get("TILEWRIGHT_DATA", beside)) / "sparse" / FILE


def trace_pairs(path: Path) -> list[tuple[int, int]]:
    """(n, k) of every row."""
    text = path.read_bytes()
    if (found := hashlib.sha256(text).hexdigest()) != SHA256:
        raise SystemExit(f"{path}: sha256 {found}, the goal is for {SHA256}")
    rows = csv.DictReader(text.decode().splitlines())
    return [
        (int(row["key_fetch_num"]), int(row["value_fetch_num"]))
        for row in rows
        if row["key_fetch_num"]  # the last line only names the settings
    ]


def trace_packets(params: TopKParams, pairs: Sequence[tuple[int, int]]) -> list[Packet]:
    """A packet per row."""
    rng = np.random.default_rng(SEED)
    low, high = params.key.minimum, params.key.maximum
    return [packet_of(params, rng.integers(low, high + 1, n).tolist(), k) for n, k in pairs]


def _works(variant: Variant, pairs: Sequence[tuple[int, int]]) -> Iterator[tuple[Row, Work]]:
    """What a variant does, and the row that it becomes."""
    params = variant.params
    if pairs and variant.key_bits == 8:
        row = {"case": f"trace_p16_{variant.name}", "num_rows": len(pairs), "seed": SEED}
        row["case"] = row["case"].removesuffix("_8bit")
        has_goal = variant.cycles_goal is not None
        row |= TRACE if has_goal else {name: TRACE[name] for name in ("peer", "limit")}
        yield row, work_of(params, "trace", trace_packets(params, pairs))
    for k, peer in WANTED.items():
        for kind in KINDS:
            packet = packet_of(
                params, keys_of(params, kind, NUM_KEYS, np.random.default_rng(SEED)), k
            )
            row = {"case": f"n1024_k{k}_{variant.name}", "kind": kind, "seed": SEED}
            row |= {"peer": peer, "limit": LIMIT}
            row |= {"goal": variant.cycles_goal} if variant.cycles_goal else {}
            if kind != "random":
                row["case"] += f"_{kind}"
            yield row, work_of(params, row["case"], [packet])


def rows() -> list[Row]:
    """All rows; without the trace's file, a row that says so in place of its own."""
    path = trace_file()
    pairs = trace_pairs(path) if path.is_file() else []
    found: list[Row] = []
    kernels, plans = [], []
    for variant in VARIANTS:
        module = f"topk_{variant.name}"
        plan = list(_works(variant, pairs))
        verilog = emit(TopKKernel(variant.params), module)
        cases = tuple(case_of(row["case"], work) for row, work in plan)
        kernels.append((verilog, Job(module=module, ports=ports(variant.params), cases=cases)))
        plans.append(plan)
    with tempfile.TemporaryDirectory(prefix="tilewright-topk-") as folder:
        results = simulate_kernels(kernels, Path(folder))
        problems = [run.explain() for run in results if not run.is_passed and not run.cases]
    for plan, result in zip(plans, results, strict=True):
        for (row, work), case in zip(plan, result.cases, strict=False):
            found.append(_measured(row, work, case.cycles, case.message))
    if not pairs:
        found.append({"case": "trace_p16", "skipped": f"{path} is not there"})
    found += [{"case": "simulation", "problem": text} for text in problems]
    return _with_ratios(found) + [area_row(variant) for variant in VARIANTS]


def _measured(row: Row, work: Work, cycles: int | None, problem: str) -> Row:
    result = row | {"cycles": cycles, "estimate": work.cycles, "problem": problem}
    result["words"] = len(work.inputs["i"])
    if "num_rows" in row and cycles is not None:
        result["cycles_per_row"] = round(cycles / row["num_rows"], 3)
    return result


def _with_ratios(found: Sequence[Row]) -> list[Row]:
    """Other kinds of keys beside random ones."""
    cycles = {row["case"]: row.get("cycles") for row in found}
    result = []
    for row in found:
        kind = row.get("kind", "random")
        if kind != "random":
            random = cycles[row["case"].removesuffix(f"_{kind}")]
            row = row | {"ratio_to_random": round(row["cycles"] / random, 3)}
        result.append(row)
    return result


def area_row(variant: Variant) -> Row:
    """LUTs and registers of a variant's kernel."""
    module = f"topk_{variant.name}"
    area = area_of(emit(TopKKernel(variant.params), module), module)
    row = {"case": f"area_{variant.name}", "lut": area.lut, "ff": area.ff, "bram": area.ram_blocks}
    row["memory_lut"] = area.lut_ram
    return row | ({"lut_goal": variant.lut_goal} if variant.lut_goal else {})

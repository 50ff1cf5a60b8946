"""The emitted Verilog of sddmm kernels under Verilator: scores, cycles, stream rules, by corner."""

from dataclasses import replace

import numpy as np
import pytest
from tilewright.hw.sddmm.kernel import SddmmKernel
from tilewright.hw.sddmm.params import SddmmParams
from tilewright.sim.regress import Job
from tilewright.sim.vectors import LONG_PAUSE

from tilewright.build.kernel_run import simulate_kernels
from tilewright.build.lint import lint
from tilewright.build.verilog import emit
from tilewright.flow.case_parts import case_of
from tilewright.flow.sddmm_cases import Packet, job, loaded_cases, ports, random_values, work
from tilewright.spec import NumberFormat

SEED = 53
LANES = SddmmParams(
    lanes=4, products=4, depth=10, banks=8, bank_words=24, query_rows=4, window=8, max_rows=64
)
PARAMS = {
    "lanes": LANES,
    "narrow": SddmmParams(  # sums wrap at 8 bits; a slot per cycle; nothing is buffered twice
        lanes=1,
        products=3,
        depth=3,
        banks=1,
        bank_words=20,
        query_rows=1,
        window=2,
        max_rows=64,
        query_format=NumberFormat(4),
        key_format=NumberFormat(4),
        accumulator_bits=8,
        buffers=1,
    ),
    "rows": SddmmParams(
        lanes=5,
        products=2,
        depth=3,
        banks=6,
        bank_words=18,
        load_words=3,
        query_rows=8,
        window=4,
        max_rows=64,
        query_format=NumberFormat(16, signed=False),
        key_format=NumberFormat(16, signed=False),
        accumulator_bits=33,
        output="rows",
    ),
}
MORE = {
    "lanes_as_rows": replace(LANES, output="rows"),
    "a_row_per_cycle": replace(PARAMS["rows"], depth=2, bank_words=9, query_rows=1),
    "four_chunks": replace(PARAMS["narrow"], depth=10, bank_words=80, window=16),
}


def packet(params, mask, random, *, depth=None, fill=None, **more):
    """A mask of counts, with random operands or all of them `fill`."""
    mask = np.asarray(mask, np.int64)
    depth = params.depth if depth is None else depth
    rows, columns = np.nonzero(mask)
    shape = (mask.shape[0], depth), (mask.shape[1], depth)
    formats = params.query_format, params.key_format
    operands = [
        random_values(one, size, random) if fill is None else np.full(size, getattr(one, fill))
        for one, size in zip(formats, shape, strict=True)
    ]
    return Packet(
        pointers=np.concatenate([[0], np.cumsum(mask.sum(axis=1))]).astype(np.int64),
        columns=np.repeat(columns, mask[rows, columns]),
        queries=operands[0],
        keys=operands[1],
        **more,
    )


def corners(params, random):
    """Packets of each corner by name; every one is timed and stalled."""
    width = min(12, params.banks * (params.bank_words // params.max_chunks))

    def some(mask, **more):
        return packet(params, mask, random, **more)

    dense = np.ones((3, width))
    sparse = (random.random((20, width)) < 0.2).astype(int)
    one_row = np.zeros((6, width))
    one_row[3] = 1
    one_column = np.zeros((20, width))
    one_column[:, width - 1] = 1
    split = "nonzeros" if params.is_row_stream else "rows"
    kept = some(sparse, keeps_keys=True)
    return {
        "empty_mask": [some(np.zeros((3, width)))],
        "zero_columns": [some(np.zeros((3, 0)))],
        "no_rows": [some(np.zeros((0, width)))],
        "empty_rows": [some(sparse * (np.arange(20) % 4 == 2)[:, None])],
        "one_dense_row": [some(one_row)],
        "one_dense_column": [some(one_column)],
        "duplicate_positions": [some(sparse * random.integers(1, 4, sparse.shape))],
        "whole_rows": [some(sparse, split=split), some(one_row, split=split)],
        "one_score": [some(np.eye(1, width))],
        "depth_1": [some(dense, depth=1)],
        "most_negative": [some(dense, fill="minimum")],
        "largest": [some(dense, fill="maximum")],
        "kept_keys": [kept, replace(some(dense), keys=kept.keys)],
        "back_to_back": [some(sparse), some(one_row), some(np.zeros((1, 1))), some(dense)],
    }


def whole_job(name):
    """Corners without stalls, with pauses of 10,000 cycles, and random packets."""
    params, random = (PARAMS | MORE)[name], np.random.default_rng(SEED)
    works = [work(params, corner, packets) for corner, packets in corners(params, random).items()]
    cases = [case_of(one.name, one) for one in works]
    streams = [port.name for port in ports(params)]
    for number, stream in enumerate(streams[:4] if name in ("lanes", "rows") else []):
        one = works[-1 - number % 2]
        cases.append(case_of(f"pause_{stream}_{one.name}", one, {stream: LONG_PAUSE}))
    if params.query_rows >= 4:
        mask = random.random((4, 8)) < 0.5
        cases += loaded_cases(params, "loaded", packet(params, mask, random))
    drawn = job(params, name, samples=8, seed=SEED).cases
    return Job(module=name, ports=ports(params), cases=(*cases, *drawn), seed=SEED)


def simulated(params, folder):
    """One simulator with all kernels of `params`."""
    kernels = [(emit(SddmmKernel(params[name]), name), whole_job(name)) for name in params]
    return dict(zip(params, simulate_kernels(kernels, folder), strict=True))


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    return simulated(PARAMS, tmp_path_factory.mktemp("sddmm"))


@pytest.mark.simulator
@pytest.mark.parametrize("name", PARAMS)
def test_emitted_verilog(name, results):
    result = results[name]
    assert len(result.cases) > 20
    assert result.is_passed, result.explain()


@pytest.mark.slow
@pytest.mark.simulator
def test_more_kernels(tmp_path):
    for result in simulated(MORE, tmp_path).values():
        assert result.is_passed, result.explain()


@pytest.mark.simulator
@pytest.mark.parametrize("name", ["lanes", "rows"])
def test_lint(name):
    assert not lint(emit(SddmmKernel(PARAMS[name]), name), name).problems


def test_many_lanes_stay_small_text():
    """One module for a lane, however many there are."""
    texts = []
    for lanes in (2, 8):
        params = replace(LANES, lanes=lanes, banks=8)
        texts.append(emit(SddmmKernel(params), "kernel"))
    assert all(text.count("\nmodule kernel_lane(") == 1 for text in texts)
    assert len(texts[1]) < 2 * len(texts[0])

"""Tiling and traffic of many machines at once, against plans and programs one by one."""

import numpy as np
import pytest
from tilewright.dataflow import streaming
from tilewright.dataflow.commands import blocks_per_run
from tilewright.dataflow.compile import compile_graph
from tilewright.dataflow.streaming_sizes import Arrays, Ops, ceil_div, floor_div, run_blocks
from tilewright.dataflow.tiling import DoesNotFit

from tilewright.machines import systolic_machine
from tilewright.workloads import matmul_graph

SEED = 30
GRAPHS, MACHINES = 12, 12


def machine_of(rng):
    """Sides that are no powers of two, too; scratchpads that are often too small."""
    rows, cols = int(rng.integers(1, 9)), int(rng.choice([1, 2, 3, 4, 8]))
    return systolic_machine(
        rows=rows,
        cols=cols,
        lanes=cols * -(-max(rows, cols) // cols) * int(rng.choice([1, 1, 2])),
        dataflow=str(rng.choice(["output_stationary", "weight_stationary"])),
        accumulator_rows=int(rng.choice([8, 32, 128])),
        scratchpad_bytes=int(2 ** rng.integers(10, 17)),
        banks=int(rng.integers(3, 17)),
        bytes_per_cycle=int(2 ** rng.integers(0, 6)),
    )


def arrays_of(machines):
    def column(of):
        return np.array([[of(machine)] for machine in machines], np.float64)

    def engine(name):
        return column(lambda machine: machine.engines[0].integer(name))

    dataflows = [[m.engines[0].text("dataflow") == "weight_stationary"] for m in machines]
    return Arrays(
        **{name: engine(name) for name in ("rows", "cols", "lanes", "accumulator_rows")},
        word_bytes=column(lambda machine: machine.word_bytes),
        beats_per_word=column(lambda machine: machine.beats_per_word),
        banks=column(lambda machine: machine.scratchpad.banks),
        words_per_bank=column(lambda machine: machine.scratchpad.words_per_bank),
        is_weight_stationary=np.array(dataflows),
    )


def ops_of(m, k, widths):
    depths = [k, *widths[:-1]]
    return Ops(
        M=np.full(len(widths), float(m)),
        K=np.array(depths, np.float64),
        N=np.array(widths, np.float64),
        count=np.ones(len(widths)),
    )


def words_of(commands):
    """Words that commands of a DMA move."""
    return sum(int(np.prod(c.bounds)) * c.fields["run_words"] for c in commands)


@pytest.mark.parametrize("number", range(GRAPHS))
def test_traffic_is_that_of_the_program(number):
    rng = np.random.default_rng([SEED, number])
    m, k = (int(size) for size in rng.integers(1, 200, 2))
    widths = [int(size) for size in rng.integers(1, 200, rng.integers(1, 4))]
    graph, ops = matmul_graph(m, k, widths, seed=1), ops_of(m, k, widths)
    machines = [machine_of(rng) for _ in range(MACHINES)]
    tiling = streaming.tile(arrays_of(machines), ops)
    read, written = streaming.read_words(ops, tiling), streaming.written_words(ops, tiling)
    for row, machine in enumerate(machines):
        label = f"{m}x{k}x{widths} on {machine}"
        try:
            plan, program = compile_graph(graph, machine)
        except DoesNotFit:
            assert not tiling.is_fitting[row], label
            continue
        assert tiling.is_fitting[row], label
        assert read[row].sum() == words_of(program.units["load"]), label
        assert written[row].sum() == words_of(program.units["store"]), label
        moved = (read[row].sum() + written[row].sum()) * machine.word_bytes
        assert moved == plan.certificate.bytes, label
        assert tiling.b_slots[row, 0] == plan.settings["b_slots"], label
        last = tiling.b_banks[row] + tiling.o_banks[row]
        starts = [machine.scratchpad.banks - banks for banks in (last, tiling.o_banks[row])]
        assert [banks.start for banks in plan.banks[1:]] == starts, label
        tasks = [task.op for task in plan.tasks]
        assert tiling.blocks[row].tolist() == [tasks.count(op.name) for op in graph.ops], label


def test_equal_ops_count_as_often_as_they_stand():
    """The split of the banks weighs every op of the graph."""
    rng = np.random.default_rng(SEED)
    machines = [machine_of(rng) for _ in range(60)]
    apart = ops_of(40, 24, [24, 24, 24, 120])
    joined = apart.at(np.array([0, 3]))
    joined = Ops(M=joined.M, K=joined.K, N=joined.N, count=np.array([3.0, 1.0]))
    first, second = (streaming.tile(arrays_of(machines), ops) for ops in (apart, joined))
    assert first.is_fitting.any()
    assert first.is_fitting.tolist() == second.is_fitting.tolist()
    words = [streaming.read_words(o, t) @ o.count for o, t in ((apart, first), (joined, second))]
    assert words[0].tolist() == words[1].tolist()


def test_runs_of_weights():
    blocks = np.array([[1, 7, 12, 17, 31, 36, 64, 97.0]])
    for words in (1, 3, 5, 8, 16, 40):
        for beats in (1, 2, 8):
            found = run_blocks(blocks, np.full((1, 1), float(words)), np.full((1, 1), float(beats)))
            told = [blocks_per_run(int(number), words, beats) for number in blocks[0]]
            assert found[0].tolist() == told, (words, beats)


def test_quotients_are_exact_up_to_the_largest_numbers():
    rng = np.random.default_rng(SEED)
    top = rng.integers(1, 1 << 52, 20_000)
    bottom = rng.integers(1, 1 << rng.integers(1, 40, 20_000))
    top[:10_000] = top[:10_000] // bottom[:10_000] * bottom[:10_000] - (np.arange(10_000) % 2)
    top = np.maximum(top, 0)
    found = floor_div(top.astype(np.float64), bottom.astype(np.float64))
    assert (found.astype(np.int64) == top // bottom).all()
    found = ceil_div(top.astype(np.float64), bottom.astype(np.float64))
    assert (found.astype(np.int64) == -(-top // bottom)).all()

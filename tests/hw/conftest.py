"""What several test files use: a bench for systolic kernels, kernels under Verilator, sparse
matrices.
"""

import numpy as np
import pytest
from tilewright.hw.lib.requantize_params import encode_scale
from tilewright.hw.systolic.rtl import Systolic
from tilewright.sim.golden.systolic import systolic
from tilewright.sim.pysim import get, put, simulate, stalls

from tilewright.build.kernel_run import simulate_kernels
from tilewright.build.lint import lint
from tilewright.build.verilog import emit
from tilewright.flow.spmm_work import Matrices

SEED = 11


class SystolicJob:
    """A random product for one command, its words and the expected results.

    `bench` is the `SystolicBench` of its dataflow.
    """

    def __init__(self, bench, params, shape, rng, subpanels, is_extreme):
        self.mapping, self.params, self.shape = bench.mapping, params, shape
        m, k, n = shape
        self.a = self._operand(params.a_format, (m, k), rng, is_extreme)
        self.b = self._operand(params.b_format, (k, n), rng, is_extreme)
        self.loops = bench.loops_of(params, m, k, n, subpanels=subpanels)
        self.packets = bench.packets_of(params, self.loops)
        self.biases = rng.integers(-500, 500, n).tolist()
        scales = rng.uniform(20, 300, n) / (np.abs(self.a @ self.b).max() + 500)
        self.scales = [encode_scale(s, params.requantize, params.multiplier_bits) for s in scales]
        low, high = sorted(rng.integers(-128, 128, 2).tolist())
        zero_point = int(rng.integers(-20, 20))
        self.settings = {"zero_point": zero_point, "minimum": low, "maximum": high}

    @staticmethod
    def _operand(number_format, shape, rng, is_extreme):
        low, high = number_format.minimum, number_format.maximum
        return rng.choice([low, high], shape) if is_extreme else rng.integers(low, high + 1, shape)

    @property
    def expected(self):
        parameters = {"biases": self.biases, "scale_words": self.scales, **self.settings}
        return systolic(self.params, self.a, self.b, **parameters).tolist()

    def words(self):
        p, mapping = self.params, self.mapping
        settings = self.settings if p.has_parameters else {}
        return {
            "command": [mapping.command_fields(p, self.loops, **settings)],
            "a": list(mapping.pack_a(p, self.loops, self.a)),
            "b": list(mapping.pack_b(p, self.loops, self.b)),
            "p": list(mapping.pack_parameters(p, self.loops, self.biases, self.scales)),
        }


class SystolicBench:
    """Systolic kernels of one dataflow.

    `mapping` is its packing, `loops_of(params, m, k, n, subpanels=)` cuts a product,
    `packets_of(params, loops)` is the number of packets of results and the words of each.
    """

    def __init__(self, mapping, loops_of, packets_of, seed):
        self.mapping, self.loops_of, self.packets_of = mapping, loops_of, packets_of
        self.seed = seed

    def job(self, params, shape, rng, subpanels=1, is_extreme=False):
        """A random product `shape` = (m, k, n)."""
        return SystolicJob(self, params, shape, rng, subpanels, is_extreme)

    def run(self, params, jobs, stall="none", o_stall="none", limit_cycles=20000):
        """Trace of the kernel doing `jobs` one after the other. `stall`: for all or by port."""
        dut = Systolic(params)
        ports = {name: getattr(dut, name) for name in ("command", "a", "b", "o")}
        if params.has_parameters:
            ports["p"] = dut.p
        words = {n: [w for job in jobs for w in job.words()[n]] for n in ports if n != "o"}
        num_outputs = sum(packets * size for packets, size in (job.packets for job in jobs))
        kinds = stall if isinstance(stall, dict) else dict.fromkeys(words, stall)

        def feed(number, name):
            pauses = stalls(kinds.get(name, "none"), self.seed + number)
            return lambda ctx: put(ctx, ports[name], words[name], pauses)

        benches = [feed(number, name) for number, name in enumerate(words)]
        benches.append(lambda ctx: get(ctx, dut.o, num_outputs, stalls(o_stall, self.seed + 9)))
        names = ("release", "busy", "wait_input", "wait_output")
        watch = {name: getattr(dut, name) for name in names}
        return simulate(dut, benches, watch, streams=ports, limit_cycles=limit_cycles)

    def check_results(self, params, jobs, trace, label):
        """Every value and every `last`, and nothing after them."""
        mask = (1 << params.output_word_bits) - 1
        payloads = trace.payloads("o")
        words, lasts = iter(payloads), []
        for index, job in enumerate(jobs):
            packets, size = job.packets
            own = [next(words) & mask for _ in range(packets * size)]
            got = self.mapping.unpack_outputs(params, job.loops, own, job.shape[0], job.shape[2])
            assert got == job.expected, f"{label}: job {index} {job.shape}, seed {self.seed}"
            lasts += ([0] * (size - 1) + [1]) * packets
        got = [payload >> params.output_word_bits for payload in payloads]
        assert got == lasts, f"{label}: last"
        assert not trace["o.valid"][-1], f"{label}: a word too many"
        assert not trace["busy"][-1], f"{label}: busy at the end"


@pytest.fixture
def systolic_bench():
    """The class `SystolicBench`."""
    return SystolicBench


@pytest.fixture
def check_kernels(tmp_path):
    """`check_kernels(component, params, make_job)`: all kernels in one simulator.

    `params` by module name, `make_job(params, module)`. Every text is clean for three tools (or
    those `linted` are), words are right bit for bit, cycles to the cycle, and the rules of streams
    are kept. Returns the texts by name.
    """

    def check(component, params, make_job, *, linted=None, optimize="-O1"):
        texts = {name: emit(component(each), name) for name, each in params.items()}
        for name in texts if linted is None else linted:
            assert not (problems := lint(texts[name], name).problems), f"{name}: {problems}"
        work = [(texts[name], make_job(each, name)) for name, each in params.items()]
        for result in simulate_kernels(work, tmp_path, optimize=optimize):
            assert result.is_passed, result.explain()
        return texts

    return check


def matrices_of(name, rows, columns, shape, n, **extremes):
    """A by the places of its stored values; random int8 values, or `a` and `b` everywhere."""
    rng = np.random.default_rng([SEED, len(rows)])
    values = rng.integers(-128, 128, (len(rows), 1))
    b = rng.integers(-128, 128, (shape[1], n))
    return Matrices(
        name=name,
        num_rows=shape[0],
        rows=np.asarray(rows, np.int64),
        columns=np.asarray(columns, np.int64),
        values=np.full_like(values, extremes["a"]) if extremes else values,
        b=np.full_like(b, extremes["b"]) if extremes else b,
    )


@pytest.fixture
def matrices():
    """The function `matrices_of`."""
    return matrices_of

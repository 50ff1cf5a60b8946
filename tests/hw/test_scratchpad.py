"""The scratchpad: lanes, banks, priorities, conflicts and latencies against a plain model."""

import numpy as np
import pytest
from tilewright.hw.lib import cost
from tilewright.hw.lib.memory_params import ScratchpadParams
from tilewright.hw.lib.scratchpad import Scratchpad
from tilewright.sim.pysim import simulate

SEED = 3


def make(**changes):
    values = {
        "banks": 4,
        "words_per_bank": 8,
        "word_bits": 32,
        "num_read_ports": 2,
        "num_write_ports": 2,
    }
    return Scratchpad(ScratchpadParams(**(values | changes)))


def watch(dut):
    names = {"error": dut.error, "rc": dut.read_conflict, "wc": dut.write_conflict}
    for kind, ports in (("r", dut.read), ("w", dut.write)):
        for n, port in enumerate(ports):
            names |= {f"{kind}{n}.{x}": getattr(port, x) for x in ("valid", "ready", "address")}
            if kind == "r":
                names[f"r{n}.response"] = port.response_valid
                names[f"r{n}.word"] = port.response_data
            else:
                names |= {f"w{n}.data": port.data, f"w{n}.mask": port.mask}
    return names


async def request(ctx, port, rng, params, num, fields, banks):
    """Random requests to some banks, each held until it is granted."""
    for _ in range(num):
        for _ in range(int(rng.integers(3))):
            await ctx.tick()
        row = int(rng.integers(params.words_per_bank))
        ctx.set(port.address, int(rng.choice(banks)) * params.words_per_bank + row)
        for name, limit in fields.items():
            ctx.set(getattr(port, name), int(rng.integers(limit)))
        ctx.set(port.valid, 1)
        ready = False
        while not ready:
            _, _, ready = await ctx.tick().sample(port.ready)
        ctx.set(port.valid, 0)


def replay(trace, params):
    """What each read must return, from the granted requests; None where it is undefined."""
    words = [0] * (params.banks * params.words_per_bank)
    expected = {n: {} for n in range(params.num_read_ports)}
    for t in range(trace.cycles):
        granted = {
            name: trace[f"{name}.address"][t]
            for name in [f"r{n}" for n in range(params.num_read_ports)]
            + [f"w{n}" for n in range(params.num_write_ports)]
            if trace[f"{name}.valid"][t] and trace[f"{name}.ready"][t]
        }
        for kind in "rw":
            banks = [a // params.words_per_bank for k, a in granted.items() if k[0] == kind]
            assert len(set(banks)) == len(banks), f"two grants at one bank in cycle {t}"
        written = {address for name, address in granted.items() if name[0] == "w"}
        for name, address in granted.items():
            if name[0] == "r":
                word = None if address in written else words[address]
                expected[int(name[1:])][t + params.read_latency] = word
        for name, address in granted.items():
            if name[0] == "w":
                mask, data = trace[f"{name}.mask"][t], trace[f"{name}.data"][t]
                for lane in range(params.lanes):
                    if mask >> lane & 1:
                        field = ((1 << params.lane_bits) - 1) << lane * params.lane_bits
                        words[address] = words[address] & ~field | data & field
    return expected


def run_random(dut):
    """Random requests on all ports; every response is the model's."""
    params = dut.params
    benches = []
    for n, port in enumerate(dut.read):
        rng = np.random.default_rng(SEED + n)
        banks = params.read_banks(n)
        benches.append(lambda ctx, a=(port, rng, params, 60, {}, banks): request(ctx, *a))
    for n, port in enumerate(dut.write):
        rng = np.random.default_rng(SEED + 10 + n)
        fields, banks = {"data": 1 << 32, "mask": 16}, params.write_banks(n)
        benches.append(lambda ctx, a=(port, rng, params, 60, fields, banks): request(ctx, *a))
    trace = simulate(dut, benches, watch(dut))
    for n, responses in replay(trace, params).items():
        assert trace.when(f"r{n}.response") == list(responses), f"seed {SEED}, port {n}"
        for t, word in responses.items():
            found = trace[f"r{n}.word"][t]
            assert word is None or found == word, f"seed {SEED}: port {n}, cycle {t}"
    assert not trace["error"][-1]
    return trace


@pytest.mark.parametrize("banks", [1, 3, 4])
@pytest.mark.parametrize("read_latency", [1, 2, 3])
def test_random_requests(banks, read_latency):
    trace = run_random(make(banks=banks, read_latency=read_latency, num_read_ports=3))
    assert any(trace["rc"]) and any(trace["wc"])


def test_ports_that_reach_some_banks():
    reach = {"read_reach": ((0, 1), (2,), (1, 2, 3)), "write_reach": ((3, 0), (1, 2))}
    trace = run_random(make(num_read_ports=3, **reach))
    assert any(trace["rc"]) and not any(trace["wc"])


def test_a_bank_out_of_reach_is_granted_and_reported():
    dut = make(read_reach=((0, 1), (2, 3)))

    async def bench(ctx):
        ctx.set(dut.read[1].valid, 1)
        ctx.set(dut.read[1].address, 8)
        await ctx.tick()
        ctx.set(dut.read[1].valid, 0)

    trace = simulate(dut, [bench], watch(dut))
    assert trace["error"][:2] == [0, 1]
    assert trace.when("r1.response") == [cost.READ_LATENCY]


def test_conflict_goes_to_the_lower_port_and_other_banks_go_on():
    dut = make(num_read_ports=3)

    async def bench(ctx):
        for port, address in zip(dut.read, (8, 15, 16), strict=True):
            ctx.set(port.valid, 1)
            ctx.set(port.address, address)
        await ctx.tick()
        ctx.set(dut.read[0].valid, 0)
        await ctx.tick()

    trace = simulate(dut, [bench], watch(dut))
    assert [trace[f"r{n}.ready"][0] for n in range(3)] == [1, 0, 1]
    assert trace["rc"][:2] == [0b010, 0] and trace["r1.ready"][1]


@pytest.mark.parametrize("read_latency", [1, 2, 3])
def test_a_write_is_seen_by_the_next_read(read_latency):
    dut = make(read_latency=read_latency)

    async def bench(ctx):
        ctx.set(dut.write[0].valid, 1)
        ctx.set(dut.write[0].address, 31)
        ctx.set(dut.write[0].mask, 0b0110)
        ctx.set(dut.write[0].data, 0xFFFFFFFF)
        await ctx.tick().repeat(cost.WRITE_TO_READ)
        ctx.set(dut.write[0].valid, 0)
        ctx.set(dut.read[1].valid, 1)
        ctx.set(dut.read[1].address, 31)
        await ctx.tick()
        ctx.set(dut.read[1].valid, 0)

    trace = simulate(dut, [bench], watch(dut))
    answer = cost.WRITE_TO_READ + read_latency
    assert trace.when("r1.response") == [answer]
    assert trace["r1.word"][answer] == 0x00FFFF00


def test_an_address_beyond_the_banks_is_granted_and_reported():
    dut = make(banks=3)

    async def bench(ctx):
        ctx.set(dut.read[0].valid, 1)
        ctx.set(dut.read[0].address, 24)
        await ctx.tick()
        ctx.set(dut.read[0].valid, 0)

    trace = simulate(dut, [bench], watch(dut))
    assert trace["error"][:2] == [0, 1] and trace["error"][-1] == 1
    assert trace.when("r0.response") == [cost.READ_LATENCY]
    assert trace["r0.word"][cost.READ_LATENCY] == 0


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"words_per_bank": 12}, "words_per_bank: a power of two, got 12"),
        ({"word_bits": 20}, "word_bits: a multiple of 8, got 20"),
        ({"banks": 0}, "banks: at least 1, got 0"),
        ({"read_reach": ((0,),)}, "read_reach: one entry per port, 2, got 1"),
        ({"write_reach": ((0,), (4,))}, r"write_reach: distinct banks 0\.\.3, got \(4,\)"),
        ({"read_latency": 4}, "read_latency: 1..3, got 4"),
    ],
)
def test_wrong_params_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        make(**changes)

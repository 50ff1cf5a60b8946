"""Tokens and activity counters."""

import numpy as np
import pytest
from tilewright.hw.lib import cost
from tilewright.hw.lib.counters import ActivityCounters
from tilewright.hw.lib.params import Activity, CounterParams, TokenParams
from tilewright.hw.lib.tokens import TokenCounter
from tilewright.sim.pysim import simulate

SEED = 2


def counter(initial, bits, steps):
    """Give and take by `steps` (give, take, clear), one a cycle."""
    dut = TokenCounter(TokenParams(initial=initial, bits=bits))

    async def bench(ctx):
        for give, take, clear in [*steps, (0, 0, 0)]:
            ctx.set(dut.signal.give, give)
            ctx.set(dut.wait.take, take)
            ctx.set(dut.clear, clear)
            await ctx.tick()

    return simulate(dut, [bench], {"available": dut.wait.available, "error": dut.error})


def test_random_gives_and_takes():
    rng = np.random.default_rng(SEED)
    count, counts, steps = 3, [3], []
    for _ in range(200):
        take = int(rng.integers(count + 1))
        give = int(rng.integers(16 - (count - take)))
        steps.append((give, take, 0))
        count += give - take
        counts.append(count)
    trace = counter(3, 4, steps)
    assert trace["available"][: len(counts)] == counts, f"seed {SEED}"
    assert max(counts) == 15 and min(counts) == 0 and not trace["error"][-1]
    assert cost.TOKEN_GIVE_TO_AVAILABLE == 1  # counts[t + 1] has the gift of cycle t


@pytest.mark.parametrize(
    ("steps", "is_error"),
    [
        ([(0, 3, 0)], True),
        ([(3, 3, 0)], True),
        ([(14, 0, 0)], True),
        ([(13, 0, 0)], False),
        ([(15, 2, 0)], False),
        ([(0, 3, 0), (0, 0, 1)], False),
        ([(0, 3, 1)], False),
    ],
)
def test_too_few_and_too_many_tokens_are_reported(steps, is_error):
    assert counter(2, 4, steps)["error"][-1] == is_error


def test_clear_reloads():
    trace = counter(2, 4, [(5, 0, 0), (1, 0, 1)])
    assert trace["available"][:4] == [2, 7, 2, 2]


def test_initial_must_fit():
    with pytest.raises(ValueError, match=r"initial: 0\.\.15, got 16"):
        TokenParams(initial=16, bits=4)


def test_activities_sum_to_the_cycles():
    params = CounterParams(num_units=2, counter_bits=16)
    dut = ActivityCounters(params)
    rng = np.random.default_rng(SEED)
    activities = rng.integers(len(Activity), size=(100, 2)).tolist()
    enabled = rng.integers(2, size=100).tolist()
    expected = [0] * params.num_counters
    for row, enable in zip(activities, enabled, strict=True):
        for unit, activity in enumerate(row):
            expected[params.index(unit, Activity(activity))] += enable
    found = []

    async def bench(ctx):
        ctx.set(dut.enable, 1)
        await ctx.tick().repeat(3)
        ctx.set(dut.clear, 1)
        await ctx.tick()
        ctx.set(dut.clear, 0)
        for row, enable in zip(activities, enabled, strict=True):
            ctx.set(dut.enable, enable)
            for unit, activity in enumerate(row):
                ctx.set(dut.activity[unit], activity)
            await ctx.tick()
        ctx.set(dut.enable, 0)
        await ctx.tick()  # the last cycle is in the count after two
        for index in range(params.num_counters):
            ctx.set(dut.index, index)
            await ctx.tick().repeat(cost.COUNTER_READ)
            found.append(ctx.get(dut.value))

    simulate(dut, [bench], {"value": dut.value})
    assert found == expected, f"seed {SEED}"
    for unit in range(2):
        assert sum(found[6 * unit : 6 * unit + 6]) == sum(enabled)

"""Reset after configuration and by the button."""

import pytest
from amaranth.sim import Simulator
from tilewright.boards.top.reset import RESET_CYCLES, SYNC_STAGES, ResetTimer


def resets_of(timer, presses, cycles):
    """`reset` in each cycle; the button is pressed in the cycles `presses`."""
    found = []

    async def bench(ctx):
        for cycle in range(cycles):
            if timer.is_inverted is not None:
                ctx.set(timer.button, timer.is_inverted ^ (cycle in presses))
            found.append(ctx.get(timer.reset))
            await ctx.tick()

    simulator = Simulator(timer)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()
    return found


@pytest.mark.parametrize("is_inverted", [None, False, True])
def test_after_configuration(is_inverted):
    found = resets_of(ResetTimer(is_inverted), (), 2 * RESET_CYCLES)
    assert found == [1] * (RESET_CYCLES + 1) + [0] * (RESET_CYCLES - 1)


@pytest.mark.parametrize("is_inverted", [False, True])
def test_a_button_that_bounces_is_one_reset(is_inverted):
    presses = {400, 401, 403, 420}
    found = resets_of(ResetTimer(is_inverted), presses, 1000)
    begin = 400 + SYNC_STAGES + 2
    end = 420 + SYNC_STAGES + 1 + RESET_CYCLES + 1
    assert found[RESET_CYCLES + 1 : begin] == [0] * (begin - RESET_CYCLES - 1)
    assert found[begin:end] == [1] * (end - begin)
    assert found[end:] == [0] * (1000 - end)

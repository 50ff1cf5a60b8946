"""Emitted DMA engines on the SystemVerilog memory: right under every timing, cycle for cycle the
same as Amaranth's simulator on the Python memory, and faults are reported."""

import pytest


@pytest.mark.simulator
@pytest.mark.parametrize(("latency", "outstanding"), [(0, 1), (1, 8), (40, 3), (40, 8), (200, 8)])
def test_cycles_equal_the_python_model(dma_loop, tmp_path, latency, outstanding):
    numbers, memory, tail = dma_loop.simulated(
        tmp_path, axi_latency=latency, axi_outstanding=outstanding
    )
    assert not dma_loop.differing_words(memory)
    assert numbers == {
        "cycles": dma_loop.python_cycles(latency, outstanding),
        "bytes_read": dma_loop.num_bytes,
        "bytes_written": dma_loop.num_bytes,
        "errors": 0,
        "protocol_errors": 0,
    }, tail


@pytest.mark.simulator
@pytest.mark.parametrize("stall", [64, 128, 192])
@pytest.mark.parametrize("latency", [0, 40])
def test_right_under_stalls(dma_loop, tmp_path, stall, latency):
    for seed in range(6):
        settings = {"axi_stall": stall, "axi_latency": latency, "axi_seed": seed}
        numbers, memory, tail = dma_loop.simulated(tmp_path, axi_outstanding=1 + seed, **settings)
        assert not dma_loop.differing_words(memory), f"seed {seed}"
        assert numbers["errors"] == numbers["protocol_errors"] == 0, f"seed {seed}: {tail}"


@pytest.mark.simulator
@pytest.mark.parametrize("channel", ["ar", "r", "aw", "w", "b"])
def test_each_channel_can_be_stalled(dma_loop, tmp_path, channel):
    settings = {"axi_latency": 4, f"axi_stall_{channel}": 200}
    numbers, memory, _ = dma_loop.simulated(tmp_path, **settings)
    assert not dma_loop.differing_words(memory)
    assert numbers["cycles"] > dma_loop.python_cycles(4, 8)


FAULTS = {
    "unaligned": "AR: unaligned address",
    "page": "crosses 4 KiB",
    "range": "ends beyond the memory",
    "size": "AR: size 1, expected 3",
    "burst": "AW: burst type 2",
    "wlast": "W: WLAST 1 at beat 0",
    "ar_unstable": "AR: not stable",
    "ar_withdrawn": "AR: not stable",
    "aw_unstable": "AW: not stable",
    "w_unstable": "W: not stable",
}


@pytest.mark.simulator
@pytest.mark.parametrize("fault", FAULTS)
def test_protocol_faults_are_reported(dma_loop, tmp_path, fault):
    # A stall of seven in eight lets a wrong manager be wrong while it waits.
    numbers, _, tail = dma_loop.simulated(tmp_path, axi_stall=224, axi_latency=3, fault=fault)
    assert numbers.get("protocol_errors", 1) > 0, tail
    assert FAULTS[fault] in (tmp_path / "run.log").read_text()

"""The wrapper that gives any component of streams its outside ports."""

import pytest
from amaranth.hdl import Module
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out
from tilewright.hw.lib.kernel import StreamKernel
from tilewright.sim.regress import Case, Job, Port
from tilewright.sim.vectors import STANDARD_STALLS, random_words

from tilewright.build.kernel_run import simulate_kernel
from tilewright.build.lint import lint
from tilewright.build.verilog import emit

SEED = 5
PACKET = data.StructLayout({"data": 8, "last": 1})


STREAMS = {
    "i": In(stream.Signature(PACKET)),
    "o": Out(stream.Signature(PACKET)).array(2),
    "is_odd": Out(1),
}


class TwoWay(wiring.Component):
    """Sends words on by their lowest bit, and says when an odd one leaves."""

    def __init__(self):
        super().__init__({**STREAMS, "inner": Out(1), "enable": In(1)})

    def elaborate(self, platform):
        m = Module()
        for index, o in enumerate(self.o):
            is_mine = self.i.payload.data[0] == index
            m.d.comb += [
                o.valid.eq(self.i.valid & is_mine & self.enable),
                o.payload.eq(self.i.payload),
            ]
            with m.If(is_mine):
                m.d.comb += self.i.ready.eq(o.ready & self.enable)
        m.d.comb += self.is_odd.eq(self.o[1].valid & self.o[1].ready)
        return m


def test_ports_have_outside_names():
    kernel = StreamKernel(TwoWay(), {"is_odd": "odd", "inner": None})
    assert set(kernel.signature.members) == {
        *("aclk", "aresetn", "odd", "enable"),
        *(f"s_axis_i_{name}" for name in ("tdata", "tvalid", "tready", "tlast")),
        *(f"m_axis_o{i}_{name}" for i in (0, 1) for name in ("tdata", "tvalid", "tready", "tlast")),
    }
    assert kernel.m_axis_o1_tdata.shape().width == 8
    text = emit(kernel, "two_way")
    assert "two_way_two_way two_way (" in text  # the core is called as its class is


@pytest.mark.parametrize(
    ("member", "message"),
    [
        (Out(wiring.Signature({"x": Out(1)})), "streams and plain signals only"),
        (Out(stream.Signature(3)).array(2, 2), "one dimension"),
        (Out(3).array(2), "arrays of streams"),
        (Out(stream.Signature(data.StructLayout({"last": 1, "data": 8}))), "the last field"),
        (Out(stream.Signature(data.StructLayout({"data": 8, "last": 2}))), "one bit wide"),
    ],
)
def test_what_no_kernel_can_have(member, message):
    class Core(wiring.Component):
        _MustUse__silence = True

        def __init__(self):
            super().__init__({"o": member})

    class Refused(StreamKernel):
        _MustUse__silence = True

    with pytest.raises(TypeError, match=message):
        Refused(Core())


class Enabled(wiring.Component):
    """`TwoWay`, always enabled: the bench has no driver for plain inputs."""

    def __init__(self):
        super().__init__(STREAMS)

    def elaborate(self, platform):
        m = Module()
        m.submodules.core = core = TwoWay()
        wiring.connect(m, wiring.flipped(self.i), core.i)
        for inner, outer in zip(core.o, self.o, strict=True):
            wiring.connect(m, inner, wiring.flipped(outer))
        m.d.comb += [core.enable.eq(1), self.is_odd.eq(core.is_odd)]
        return m


@pytest.mark.simulator
def test_words_pass_under_every_stall(build_cache, run_folder):
    ports = (
        Port(name="i", direction="in", bits=8, has_last=True),
        Port(name="o0", direction="out", bits=8, has_last=True),
        Port(name="o1", direction="out", bits=8, has_last=True),
        Port(name="is_odd", direction="pulse"),
    )
    cases = []
    for pattern in STANDARD_STALLS:
        words = random_words(SEED, 9, 100)
        odd = [word for word in words if word & 1]
        expected = {"o0": [w for w in words if not w & 1], "o1": odd, "is_odd": [1] * len(odd)}
        stalls = dict.fromkeys(("i", "o0", "o1"), pattern)
        cases.append(Case(name=pattern.kind, inputs={"i": words}, expected=expected, stalls=stalls))
    verilog = emit(StreamKernel(Enabled()), "two_way")
    assert lint(verilog, "two_way").is_clean
    job = Job(module="two_way", ports=ports, cases=tuple(cases), seed=SEED)
    result = simulate_kernel(verilog, job, run_folder, cache=build_cache)
    assert result.is_passed, result.explain()

"""Emission: shared modules once, same bytes every time, same behaviour as without sharing."""

import re
import subprocess
import sys
from dataclasses import dataclass

import numpy as np
import pytest
from amaranth.hdl import Module, Signal, signed
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.sim import Simulator
from tilewright.hw.lib.shared import Shared

from tilewright.build.lint import lint
from tilewright.build.verilog import emit


@dataclass(frozen=True, kw_only=True)
class Params:
    bits: int


class Product(wiring.Component):
    """Registered product; `i` a stream only to have nested members."""

    def __init__(self, params: Params):
        self.params = params
        super().__init__(
            {"i": In(stream.Signature(signed(params.bits))), "o": Out(signed(2 * params.bits))}
        )

    def elaborate(self, platform):
        m = Module()
        m.d.comb += self.i.ready.eq(1)
        with m.If(self.i.valid):
            m.d.sync += self.o.eq(self.i.payload * self.i.payload)
        return m


class Pair(wiring.Component):
    """Two shared products, itself worth sharing."""

    def __init__(self, params: Params):
        self.params = params
        super().__init__({"a": In(signed(params.bits)), "o": Out(2 * params.bits + 1)})

    def elaborate(self, platform):
        m = Module()
        products = [Shared(Product(self.params)), Shared(Product(Params(bits=self.params.bits)))]
        for index, product in enumerate(products):
            m.submodules[f"product_{index}"] = product
            m.d.comb += [product.i.payload.eq(self.a + index), product.i.valid.eq(1)]
        m.d.comb += self.o.eq(products[0].o + products[1].o)
        return m


class Constant(wiring.Component):
    """Combinational: no clock inside, but the instance has its pins."""

    def __init__(self, params: Params):
        self.params = params
        super().__init__({"o": Out(params.bits)})

    def elaborate(self, platform):
        m = Module()
        m.d.comb += self.o.eq(1)
        return m


class Top(wiring.Component):
    def __init__(self):
        super().__init__({"a": In(signed(8)), "o": Out(20)})

    def elaborate(self, platform):
        m = Module()
        total = Signal(20)
        for index, bits in enumerate((8, 8, 6, 8)):
            m.submodules[f"pair_{index}"] = pair = Shared(Pair(Params(bits=bits)))
            m.d.comb += pair.a.eq(self.a)
            following = Signal(20, name=f"total_{index}")
            m.d.comb += following.eq(total + pair.o)
            total = following
        m.submodules.one = one = Shared(Constant(Params(bits=2)))
        m.d.sync += self.o.eq(total + one.o)
        return m


def test_each_distinct_module_once_dependencies_first() -> None:
    names = re.findall(r"^module (\S+?) ?\(", emit(Top(), "squares"), re.MULTILINE)
    assert names == [
        "squares_product", "squares_pair", "squares_product_1", "squares_pair_1",
        "squares_constant", "squares",
    ]  # fmt: skip


def test_same_bytes_again_and_under_other_hash_seeds() -> None:
    text = emit(Top(), "squares")
    assert text == emit(Top(), "squares")
    assert "verilog_backend" not in text
    assert "src =" not in text
    code = f"import importlib.util as u; s = u.spec_from_file_location('t', {__file__!r})\n"
    code += "t = u.module_from_spec(s); s.loader.exec_module(t)\n"
    code += "print(t.emit(t.Top(), 'squares'), end='')\n"
    for seed in ("1", "2"):
        environment = {"PYTHONHASHSEED": seed, "PATH": "/usr/bin:/bin"}
        command = [sys.executable, "-c", code]
        output = subprocess.run(
            command, env=environment, capture_output=True, text=True, check=True
        )
        assert output.stdout == text


@pytest.mark.simulator
def test_emitted_text_is_clean() -> None:
    result = lint(emit(Top(), "squares"), "squares")
    assert result.is_clean, result.problems


def test_shared_parts_work_in_amaranths_simulator() -> None:
    dut = Top()
    seed = 3
    values = np.random.default_rng(seed).integers(-128, 127, size=20).tolist()

    def square(value: int, bits: int) -> int:
        wrapped = (value + (1 << bits - 1)) % (1 << bits) - (1 << bits - 1)
        return wrapped * wrapped

    async def bench(ctx):
        for value in values:
            ctx.set(dut.a, value)
            await ctx.tick().repeat(2)
            expected = 1 + sum(
                square(value, bits) + square(value + 1, bits) for bits in (8, 8, 6, 8)
            )
            assert ctx.get(dut.o) == expected, f"seed {seed}, value {value}"

    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()

"""Tops of boards for the table of real synthesis runs: parameters drawn with a seed, and a top
without its accelerator, whose ports are the module's own.
"""

from typing import Any, Final

import numpy as np
from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from tilewright.boards.link.messages import Identity
from tilewright.boards.top.memory import axi_params
from tilewright.boards.top.params import BoardTopParams, MemoryParams, UartParams
from tilewright.boards.top.top import BoardTop
from tilewright.hw.lib.axi import AxiLiteSignature, AxiSignature

GROUP: Final = "board_top"
MODULE: Final = "accelerator"


def board_top(rng: np.random.Generator) -> dict[str, Any]:
    """A top, as the table has it: what `params_of` takes."""
    data_bytes = int(rng.choice((1, 2, 4, 8, 16)))
    return {
        "data_bytes": data_bytes,
        "words": int(rng.choice((3, 5, 9, 14))) * 1024 // data_bytes,
        "more_address_bits": int(rng.choice((0, 0, 2, 10))),
        "outstanding": int(rng.choice((1, 2, 4, 8))),
        "register_address_bits": int(rng.choice((6, 8, 9))),
        "divisor": int(rng.choice((12, 25, 48, 104))),
        "leds": int(rng.choice((0, 1, 3, 8))),
        "button": [None, False, True][int(rng.integers(3))],
    }


def params_of(data: dict[str, Any]) -> BoardTopParams:
    """The parameters of a drawn top."""
    words, data_bytes = data["words"], data["data_bytes"]
    size = words * data_bytes
    memory = MemoryParams(
        words=words,
        data_bytes=data_bytes,
        address_bits=(size - 1).bit_length() + data["more_address_bits"],
        outstanding=data["outstanding"],
    )
    identity = Identity(
        unit_bytes=data_bytes,
        spec_hash=0x5A0FF1CE,
        memory_bytes=size,
        register_bytes=1 << data["register_address_bits"],
        clock_hz=25_000_000,
    )
    return BoardTopParams(
        module=MODULE,
        uart=UartParams(divisor=data["divisor"]),
        identity=identity,
        memory=memory,
        register_address_bits=data["register_address_bits"],
        led_is_inverted=(True,) * data["leds"],
        reset_is_inverted=data["button"],
    )


class OpenBoardTop(BoardTop):
    """A board's top with the ports of its accelerator as ports of its own."""

    def __init__(self, params: BoardTopParams) -> None:
        self.params = params
        members = {"clk": In(1), "rx": In(1), "tx": Out(1, init=1), "aresetn": Out(1), "irq": In(1),
                   "bus": Out(AxiLiteSignature(params.register_address_bits)),
                   "axi": In(AxiSignature(axi_params(params.memory)))}  # fmt: skip
        if params.reset_is_inverted is not None:
            members["reset"] = In(1)
        if params.num_leds:
            members["led"] = Out(params.num_leds)
        wiring.Component.__init__(self, members)

    def _accelerator(self, m: Module, lite: Any, axi: Any, reset: Signal) -> Signal:
        m.d.sync += self.aresetn.eq(~reset)
        wiring.connect(m, lite, wiring.flipped(self.bus))
        wiring.connect(m, wiring.flipped(self.axi), axi)
        return self.irq

"""AXI4 and AXI4-Lite signatures, seen from the manager, and their flat outside names."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from typing import Any

from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from .dma_params import AxiParams

__all__ = [
    "AxiLiteSignature",
    "AxiReadSignature",
    "AxiSignature",
    "AxiWriteSignature",
    "Burst",
    "Response",
    "connect_flat",
    "drive_constants",
    "flat_members",
]


class Burst(IntEnum):
    """Values of `AxBURST`."""

    FIXED = 0
    INCR = 1
    WRAP = 2


class Response(IntEnum):
    """Values of `RRESP` and `BRESP`; bit 1 means error."""

    OKAY = 0
    EXOKAY = 1
    SLVERR = 2
    DECERR = 3


CACHE = 0b0011
"""`AxCACHE`: normal, non-cacheable, bufferable, so that interconnects may merge and upsize."""


def _address_members(letter: str, params: AxiParams) -> dict[str, Any]:
    return {
        f"a{letter}id": Out(params.id_bits),
        f"a{letter}addr": Out(params.address_bits),
        f"a{letter}len": Out(8),
        f"a{letter}size": Out(3),
        f"a{letter}burst": Out(2),
        f"a{letter}cache": Out(4),
        f"a{letter}prot": Out(3),
        f"a{letter}valid": Out(1),
        f"a{letter}ready": In(1),
    }


def _read_members(params: AxiParams) -> dict[str, Any]:
    return {
        **_address_members("r", params),
        "rid": In(params.id_bits),
        "rdata": In(8 * params.data_bytes),
        "rresp": In(2),
        "rlast": In(1),
        "rvalid": In(1),
        "rready": Out(1),
    }


def _write_members(params: AxiParams) -> dict[str, Any]:
    return {
        **_address_members("w", params),
        "wdata": Out(8 * params.data_bytes),
        "wstrb": Out(params.data_bytes),
        "wlast": Out(1),
        "wvalid": Out(1),
        "wready": In(1),
        "bid": In(params.id_bits),
        "bresp": In(2),
        "bvalid": In(1),
        "bready": Out(1),
    }


class AxiReadSignature(wiring.Signature):
    """The AR and R channels of an AXI4 manager.

    Members have the standard's names (`araddr`, `rvalid`, ...), so `flat_members` gives ports that
    tools recognise.
    """

    def __init__(self, params: AxiParams) -> None:
        self.params = params
        super().__init__(_read_members(params))


class AxiWriteSignature(wiring.Signature):
    """The AW, W and B channels of an AXI4 manager."""

    def __init__(self, params: AxiParams) -> None:
        self.params = params
        super().__init__(_write_members(params))


class AxiSignature(wiring.Signature):
    """All five channels of an AXI4 manager."""

    def __init__(self, params: AxiParams) -> None:
        self.params = params
        super().__init__({**_write_members(params), **_read_members(params)})


class AxiLiteSignature(wiring.Signature):
    """All five channels of an AXI4-Lite manager with 32-bit data.

    Parameters
    ----------
    address_bits : byte address
    """

    def __init__(self, address_bits: int) -> None:
        self.address_bits = address_bits
        super().__init__(
            {
                "awaddr": Out(address_bits),
                "awprot": Out(3),
                "awvalid": Out(1),
                "awready": In(1),
                "wdata": Out(32),
                "wstrb": Out(4),
                "wvalid": Out(1),
                "wready": In(1),
                "bresp": In(2),
                "bvalid": In(1),
                "bready": Out(1),
                "araddr": Out(address_bits),
                "arprot": Out(3),
                "arvalid": Out(1),
                "arready": In(1),
                "rdata": In(32),
                "rresp": In(2),
                "rvalid": In(1),
                "rready": Out(1),
            }
        )


def flat_members(prefix: str, signature: wiring.Signature) -> dict[str, Any]:
    """Members `PREFIX_NAME` of a top component, one for each member of a port signature.

    For a manager port pass the signature, for a subordinate port `signature.flip()`.
    """
    return {f"{prefix}_{name}": member for name, member in signature.members.items()}


def connect_flat(m: Module, component: Any, prefix: str, port: Any) -> None:
    """Connect a part's `port` to its parent's outside ports made by `flat_members`.

    Outputs of the parent are driven from the part, inputs of the part from the parent. `port` may
    hold a part of the channels (`AxiReadSignature` into the ports of an `AxiSignature`).
    """
    members: Mapping[str, Any] = port.signature.members
    for name, member in members.items():
        outside, inside = getattr(component, f"{prefix}_{name}"), getattr(port, name)
        if member.flow == Out:
            m.d.comb += outside.eq(inside)
        else:
            m.d.comb += inside.eq(outside)


def drive_constants(m: Module, port: Any, letter: str, params: AxiParams) -> None:
    """Drive what never changes on address channel AR (`"r"`) or AW (`"w"`)."""
    m.d.comb += [
        getattr(port, f"a{letter}size").eq(params.size_log2),
        getattr(port, f"a{letter}burst").eq(Burst.INCR),
        getattr(port, f"a{letter}cache").eq(CACHE),
    ]

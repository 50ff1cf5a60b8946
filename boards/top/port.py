"""How the link reaches words of memory and registers."""

from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

__all__ = ["LinkPort"]

ADDRESS_BITS = 32


class LinkPort(wiring.Signature):
    """Access to words, seen from the link.

    Addresses count bytes. `request` and what belongs to it stay until `acknowledge`; `read_data`
    and `error` come with it.
    """

    def __init__(self, word_bits: int) -> None:
        super().__init__(
            {
                "request": Out(1),
                "is_write": Out(1),
                "address": Out(ADDRESS_BITS),
                "write_data": Out(word_bits),
                "acknowledge": In(1),
                "read_data": In(word_bits),
                "error": In(1),
            }
        )

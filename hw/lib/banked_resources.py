"""What a banked store is made of. Pure."""

from .banked_store_params import StoreParams
from .memory_mapping import Memory
from .structure import Structure


def banked_store(s: Structure, p: StoreParams) -> None:
    """Banks, their write enables, the count of full buffers."""
    bank = p.bank_params
    s.memory("banks", Memory(width=bank.word_bits, depth=max(2, bank.depth), num=p.banks))
    s.gates("bank_writes", p.banks)
    count = p.buffers.bit_length()
    s.registers("store", count + (2 if p.buffers == 2 else 0))
    s.count("store", 2 * count + 3)

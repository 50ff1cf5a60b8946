"""What the units of an accelerator around its engine are made of. Pure."""

from .dma_params import DmaParams, LoadParams, StoreParams
from .memory_mapping import Memory
from .memory_params import QueueParams
from .params import AddressSpace, StreamerParams
from .program_bits import ProgramBits
from .structure import Structure, bits_of


def nest(
    s: Structure,
    part: str,
    bits: ProgramBits,
    num_loops: int,
    bound_bits: int,
    spaces: tuple[AddressSpace, ...],
) -> None:
    """A loop nest: counters, flags, addresses, the fields that are held."""
    varying = sum(bits.varying(f"last_{d}") > 0 for d in range(num_loops))
    s.registers(part, 2 + num_loops * (bound_bits + 2) + varying)
    s.add(part, bound_bits, 2 * num_loops)
    s.reduce(part, bound_bits, 2 * num_loops)
    s.gates(part, 4 * num_loops)
    held = sum(bits.varying(f"last_{d}") for d in range(num_loops))
    for space in spaces:
        prefix = f"{space.name}_" if space.name else ""
        jumps = [bits.varying(f"{prefix}jump_{d}") for d in range(num_loops)]
        held += sum(jumps)
        s.registers(part, space.bits)
        s.add(part, space.bits)
        s.choose(part, num_loops, space.bits / 2)
        s.gates("jumps", sum(jumps))
    s.registers(part, held)


def elements(s: Structure, part: str, bits: float) -> None:
    """The buffer behind a nest: two registers per bit, and the choice between them."""
    s.registers(part, 2 * bits + 2)
    s.gates("elements", bits + 3)


def tokens_of(s: Structure, part: str, bits: ProgramBits, waits: int, signals: int) -> int:
    """Wait and signal ports of a unit; bits that an element says about them."""
    told = 0
    for port, num in (("wait", waits), ("signal", signals)):
        for i in range(num):
            level, count = bits.varying(f"{port}{i}_level"), bits.varying(f"{port}{i}_count")
            ever = bits.ever(f"{port}{i}_count")
            told += ever
            s.registers(part, level + count)
            s.gates("token_ports", 2 * level + ever)
            if port == "wait":
                s.less("token_ports", 2 + ever)
    return told


def streamer(s: Structure, p: StreamerParams, queue: QueueParams, *, writes: bool) -> None:
    """A read or write streamer."""
    bits = ProgramBits(queue)
    nest(s, "streamers", bits, p.num_loops, p.bound_bits, p.spaces)
    told = tokens_of(s, "streamers", bits, p.num_waits, p.num_signals)
    group = (p.num_groups - 1).bit_length() if writes else 0
    elements(s, "streamers", p.address_bits + told + (2 if group else 0))
    given = sum(bits.ever(f"signal{i}_count") for i in range(p.num_signals))
    s.registers("streamers", 1 + p.address_bits + 2 * given)
    s.gates("streamers", 10)
    if writes:
        s.registers("streamers", p.group_bits + 2 * group)
        s.gates("streamers", 2 * group + p.num_groups)
        return
    s.fifo("streamer_words", p.word_bits, p.credits, block=p.has_ram_words)
    s.registers("streamers", p.credits.bit_length())
    s.count("streamers", 2 * p.credits.bit_length())


def _source(s: Structure, p: DmaParams, bits: ProgramBits) -> None:
    """Runs become bursts."""
    nest(s, "bursts", bits, p.num_loops, p.bound_bits, p.spaces)
    told = tokens_of(s, "bursts", bits, p.num_waits, p.count_signals())
    target = bits.ever("target") if p.has_target else 0
    run = bits.ever("run_last")
    page = max(1, p.page_words.bit_length() - 1)
    room = page + p.burst_last_bits
    elements(s, "bursts", sum(space.bits for space in p.spaces) + room + run + target + told)
    given = sum(bits.ever(f"signal{i}_count") for i in range(p.count_signals()))
    word = p.axi.address_bits - p.word_bytes_log2
    s.registers("bursts", 1 + word + p.run_bits + bits.varying("run_last") + given)
    s.registers("bursts", p.local_address_bits + p.burst_last_bits + 1 + room)
    if p.has_target:
        s.registers("bursts", bits.varying("target") + target)
    s.count("bursts", 3 * word + p.run_bits + 2 * p.local_address_bits)
    s.less("bursts", p.run_bits + p.burst_last_bits)
    s.gates("bursts", p.run_bits + p.local_address_bits + 4 * p.burst_last_bits)


def load_dma(s: Structure, p: LoadParams, queue: QueueParams) -> None:
    """The read DMA."""
    bits = ProgramBits(queue)
    _source(s, p, bits)
    counts = sum(bits.ever(f"signal{i}_count") for i in range(p.num_signals))
    target = 1 if bits.varying("target") else 0
    held = p.burst_last_bits + p.local_address_bits + target + counts
    s.fifo("dma_bursts", held, p.outstanding, block=False)
    beat = (p.beats_per_word - 1).bit_length()
    s.registers("dma", 8 * p.word_bytes + p.local_address_bits + target + 2 * counts)
    s.registers("dma", 2 + p.burst_last_bits + beat)
    s.count("dma", p.local_address_bits + p.burst_last_bits + beat)
    s.gates("dma", counts + 20)


def store_dma(s: Structure, p: StoreParams, queue: QueueParams, credits: int) -> None:
    """The write DMA."""
    bits = ProgramBits(queue)
    _source(s, p, bits)
    counts = sum(bits.ever(f"signal{i}_count") for i in range(p.count_signals()))
    s.fifo("dma_bursts", p.burst_last_bits + p.local_address_bits + counts, p.outstanding,
           block=False)  # fmt: skip
    s.fifo("dma_bursts", max(1, counts), p.outstanding, block=False)
    s.fifo("dma_words", p.word_bits, credits, block=p.has_ram_words)
    s.fifo("dma_words", 1, credits, block=False)
    beat = (p.beats_per_word - 1).bit_length()
    s.registers("dma", 2 + p.local_address_bits + p.burst_last_bits + beat + 2 * counts)
    s.count("dma", p.local_address_bits + p.burst_last_bits + beat)
    s.choose("dma", p.beats_per_word, 8 * p.axi.data_bytes)
    s.gates("dma", counts + 20)


def queue(s: Structure, p: QueueParams) -> None:
    """A command queue: its memory and program counter."""
    s.registers("queues", p.length_bits + 2)
    s.count("queues", 2 * p.length_bits + 4)
    if not p.is_rom:
        depth = max(2, p.depth)
        s.memory("programs", Memory(width=32 * p.chunks, depth=depth, lanes=p.chunks))
        s.registers("queues", p.length_bits)
        s.reduce("queues", p.length_bits + bits_of(p.chunks), p.chunks + 1)
        return
    width, depth = ProgramBits(p).total, len(p.initial)
    if not width:
        return
    mapped = s.memory("programs", Memory(width=width, depth=depth, is_rom=True))
    if not mapped.ram_blocks:
        s.logic("programs", width * max(1.0, depth / (1 << s.costs.inputs)))

"""Streamers: commands become words read from or written to the scratchpad."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from .layout import command_layout, equals
from .loops import LoopNest, buffered
from .params import ACTIVITY_BITS, Activity, StreamerParams
from .scratchpad import ReadPort, WritePort
from .stream import StreamFIFO
from .stream_params import FIFOParams
from .tokens import SignalPort, WaitPort

__all__ = ["ReadStreamer", "StreamerFront", "WriteStreamer"]


class StreamerFront(wiring.Component):
    """Loop nest, tokens and request register: what both kinds of streamer have.

    Parameters
    ----------
    params : StreamerParams.

    Members
    -------
    command : In(stream). waits, signals : token ports (arrays; not there when there are none).
    allowed : In(1), the other side permits an element now. blocked : In(Activity), if it does not.
    open : Out(1), but for `allowed` an element would be issued. issue : Out(1), it is.
    at_end : Out(num_loops + 1), of the element that is next.
    request_valid, request_address, request_outside : Out, the request register; outside: the
        element lies in the padding, no access. request_done : In(1), granted or not needed.
    active : Out(1), an element or a request is there. activity : Out(Activity), of this cycle.

    Timing
    ------
    Element behind the loops in t, tokens there: issued and tokens taken in t, request valid in
    t + 1. A buffer keeps what the loops do apart from what an element waits for.
    Request done in t: its signals are given in t + `cost.STREAMER_GRANT_TO_GIVE`.
    """

    def __init__(self, params: StreamerParams):
        self.params = params
        bits = params.token_bits
        members = {
            "command": In(stream.Signature(command_layout(params.command_format))),
            "allowed": In(1),
            "blocked": In(ACTIVITY_BITS),
            "open": Out(1),
            "issue": Out(1),
            "at_end": Out(params.num_loops + 1),
            "request_valid": Out(1),
            "request_address": Out(params.address_bits),
            "request_outside": Out(1),
            "request_done": In(1),
            "active": Out(1),
            "activity": Out(ACTIVITY_BITS),
        }
        super().__init__(members | _token_members(params, bits))

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.nest = nest = LoopNest(self.params.loop_params)
        wiring.connect(m, wiring.flipped(self.command), nest.command)
        elements, is_waiting, _ = buffered(m, nest, self._element(nest))
        element = elements.payload
        free = Signal()
        has_tokens = Signal()
        m.d.comb += [
            free.eq(~self.request_valid | self.request_done),
            has_tokens.eq(Cat(self._waits(m, element)).all()),
            self.open.eq(elements.valid & free & has_tokens),
            self.issue.eq(self.open & self.allowed),
            elements.ready.eq(self.issue),
            self.at_end.eq(element.at_end),
            self.active.eq(is_waiting | self.request_valid),
        ]
        with m.If(free):
            m.d.sync += self.request_valid.eq(self.issue)
        with m.If(self.issue):
            m.d.sync += [
                self.request_address.eq(element.address),
                self.request_outside.eq(element.outside),
            ]
        self._give(m, element)
        with m.If(~free):
            m.d.comb += self.activity.eq(Activity.BANK_CONFLICT)
        with m.Elif(self.issue):
            m.d.comb += self.activity.eq(Activity.BUSY)
        with m.Elif(elements.valid & ~has_tokens):
            m.d.comb += self.activity.eq(Activity.WAIT_TOKEN)
        with m.Elif(elements.valid):
            m.d.comb += self.activity.eq(self.blocked)
        return m

    def _element(self, nest: LoopNest) -> dict[str, Value]:
        """What is kept of an element: no field of its command, only what becomes of it."""
        element = {
            "address": nest.address,
            "at_end": nest.at_end,
            "outside": Cat(self._outside(nest), Const(0, 1)).any(),
        }
        for i in range(self.params.num_waits):
            element[f"needed_{i}"] = nest.tokens_at(nest.at_start, f"wait{i}")
        for i in range(self.params.num_signals):
            element[f"given_{i}"] = nest.tokens_at(nest.at_end, f"signal{i}")
        return element

    def _waits(self, m: Module, element: data.View) -> list[Value]:
        """For each wait port: the tokens that this element needs are there."""
        enough = []
        for i in range(self.params.num_waits):
            port, needed = self.waits[i], element[f"needed_{i}"]
            m.d.comb += port.take.eq(Mux(self.issue, needed, 0))
            enough.append(port.available >= needed)
        return enough

    def _outside(self, nest: LoopNest) -> list[Value]:
        """For each coordinate: not in [0, limit); a negative one is a large unsigned number."""
        return [
            getattr(nest, f"pad{i}_address") >= nest.current[f"pad{i}_limit"]
            for i in range(self.params.num_padding)
        ]

    def _give(self, m: Module, element: data.View) -> None:
        """Signals wait with their request and leave the cycle after it is done."""
        for i in range(self.params.num_signals):
            amount = Signal(self.params.token_bits, name=f"amount_{i}")
            with m.If(self.issue):
                m.d.sync += amount.eq(element[f"given_{i}"])
            done = self.request_valid & self.request_done
            m.d.sync += self.signals[i].give.eq(Mux(done, amount, 0))


class ReadStreamer(wiring.Component):
    """Reads the words that its commands name and sends them in order.

    Parameters
    ----------
    params : StreamerParams. read_latency is that of the scratchpad the port belongs to; the
        streamer follows its responses and holds only for padding words the same latency.

    Members
    -------
    command : In(stream). read : Out(ReadPort). o : Out(stream), words of word_bits.
    waits : Out(WaitPort).array, signals : Out(SignalPort).array (not there when there are none).
    busy : Out(1), a command or a word of it is here. activity : Out(Activity).

    Timing
    ------
    One word per cycle, without a bubble between elements, loops and commands, when
    credits >= `cost.streamer_full_rate_credits(read_latency)`. Command in t: first request in t +
    `cost.STREAMER_COMMAND_TO_REQUEST`. Token given in t: request from t +
    `cost.STREAMER_GIVE_TO_REQUEST`. Request granted in t: word on `o` in t +
    `cost.streamer_grant_to_output(read_latency)`, signal in t + `cost.STREAMER_GRANT_TO_GIVE`.
    Word taken in t: its credit serves a request in t + `cost.STREAMER_TAKE_TO_REQUEST`.

    Numbers
    -------
    Padding elements (a coordinate outside [0, limit)) are words of zero, without a request.
    """

    def __init__(self, params: StreamerParams):
        self.params = params
        super().__init__(
            {
                "command": In(stream.Signature(command_layout(params.command_format))),
                "read": Out(ReadPort(params.address_bits, params.word_bits)),
                "o": Out(stream.Signature(params.word_bits)),
                "busy": Out(1),
                "activity": Out(ACTIVITY_BITS),
            }
            | _token_members(params, params.token_bits)
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        params = self.params
        m.submodules.front = front = _front(m, self, Activity.WAIT_OUTPUT)
        fifo = FIFOParams(payload=params.word_bits, depth=params.credits, block=False,
                          has_bypass=params.has_ram_words)  # fmt: skip
        m.submodules.words = words = StreamFIFO(fifo)
        credits = Signal(range(params.credits + 1), init=params.credits)
        taken = self.o.valid & self.o.ready
        m.d.sync += credits.eq(credits - front.issue + taken)
        m.d.comb += front.allowed.eq(credits != 0)
        skipped = front.request_valid & front.request_outside
        m.d.comb += [
            self.read.valid.eq(front.request_valid & ~front.request_outside),
            self.read.address.eq(front.request_address),
            front.request_done.eq(self.read.ready | front.request_outside),
        ]
        is_zero = self._delayed(m, skipped) if params.num_padding else Const(0)
        m.d.comb += [
            words.i.valid.eq(self.read.response_valid | is_zero),
            words.i.payload.eq(Mux(is_zero, 0, self.read.response_data)),
            self.busy.eq(front.active | (credits != params.credits)),
        ]
        wiring.connect(m, words.o, wiring.flipped(self.o))
        return m

    def _delayed(self, m: Module, value: Value) -> Value:
        for _ in range(self.params.read_latency):
            later = Signal()
            m.d.sync += later.eq(value)
            value = later
        return value


class WriteStreamer(wiring.Component):
    """Writes the words that come in to the addresses that its commands name.

    Parameters
    ----------
    params : StreamerParams. `num_groups` groups of lanes: an incoming word of `group_bits` goes to
        the group whose number is the counter of loop `group_loop`; the other lanes stay.

    Members
    -------
    command : In(stream). i : In(stream), words of group_bits. write : Out(WritePort).
    waits : Out(WaitPort).array, signals : Out(SignalPort).array (not there when there are none).
    busy : Out(1), a command or a word of it is here. activity : Out(Activity).

    Timing
    ------
    One word per cycle without any bubble. Command in t: first word taken from t +
    `cost.COMMAND_TO_ELEMENT`. Word taken in t: request in t + `cost.STREAMER_TAKE_TO_WRITE`.
    Token given in t: word taken from t + `cost.TOKEN_GIVE_TO_AVAILABLE`. Request granted in t:
    signal in t + `cost.STREAMER_GRANT_TO_GIVE`.
    """

    def __init__(self, params: StreamerParams):
        self.params = params
        port = WritePort(params.address_bits, params.word_bits, params.lane_bits)
        super().__init__(
            {
                "command": In(stream.Signature(command_layout(params.command_format))),
                "i": In(stream.Signature(params.group_bits)),
                "write": Out(port),
                "busy": Out(1),
                "activity": Out(ACTIVITY_BITS),
            }
            | _token_members(params, params.token_bits)
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        params = self.params
        m.submodules.front = front = _front(m, self, Activity.WAIT_INPUT)
        word = Signal(params.group_bits)
        group = Signal(range(max(2, params.num_groups)))
        lanes = params.group_bits // params.lane_bits
        m.d.comb += [
            front.allowed.eq(self.i.valid),
            self.i.ready.eq(front.open),
            self.write.valid.eq(front.request_valid),
            self.write.address.eq(front.request_address),
            front.request_done.eq(self.write.ready),
            self.write.data.eq(word.replicate(params.num_groups)),
            self.write.mask.eq(
                Cat(equals(group, g).replicate(lanes) for g in range(params.num_groups))
            ),
            self.busy.eq(front.active),
        ]
        with m.If(front.issue):
            m.d.sync += [word.eq(self.i.payload), group.eq(self._group(m, front))]
        return m

    def _group(self, m: Module, front: StreamerFront) -> Value:
        """Counter of the loop that selects the group."""
        loop = self.params.group_loop
        if loop is None or self.params.num_groups == 1:
            return Const(0)
        counter = Signal(range(self.params.num_groups))
        with m.If(front.issue & front.at_end[loop]):
            m.d.sync += counter.eq(Mux(front.at_end[loop + 1], 0, counter + 1))
        return counter


def _token_members(params: StreamerParams, bits: int) -> dict[str, wiring.Member]:
    members = {}
    if params.num_waits:
        members["waits"] = Out(WaitPort(bits)).array(params.num_waits)
    if params.num_signals:
        members["signals"] = Out(SignalPort(bits)).array(params.num_signals)
    return members


def _front(m: Module, streamer: wiring.Component, blocked: Activity) -> StreamerFront:
    """The front of a streamer, connected to what the two have in common."""
    front = StreamerFront(streamer.params)
    wiring.connect(m, wiring.flipped(streamer.command), front.command)
    for i in range(streamer.params.num_waits):
        wiring.connect(m, front.waits[i], wiring.flipped(streamer.waits[i]))
    for i in range(streamer.params.num_signals):
        wiring.connect(m, front.signals[i], wiring.flipped(streamer.signals[i]))
    m.d.comb += [front.blocked.eq(blocked), streamer.activity.eq(front.activity)]
    return front

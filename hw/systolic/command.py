"""Walks the loops of output-stationary commands, one block per step."""

from amaranth.hdl import Module
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ..lib.layout import command_layout
from ..lib.loops import LoopNest, buffered
from ..lib.params import LoopParams, loop_fields
from .params import NUM_LOOPS, SystolicParams


class CommandWalker(wiring.Component):
    """Holds commands and the place in their loops; the next blocks wait in registers.

    Parameters
    ----------
    params : SystolicParams

    Members
    -------
    i : In(stream of commands)
    is_held : Out(1); something of a command is here
    is_active : Out(1); a block is at hand, which the outputs below describe
    step : In(1); the block is done, go to the next; only with is_active
    is_first_of_tile, is_last_of_tile : Out(1); first, last k block
    is_first_of_panel : Out(1); first block of a panel
    is_last_of_row : Out(1); last block of the last subpanel
    is_last_of_panel : Out(1); last block of a panel
    num_sets : Out(range(param_sets + 1)); parameter sets of a panel (not there for raw output)
    incoming_sets : Out(range(param_sets + 1)); ``num_sets`` of the next cycle if none is at hand
    and every field of the command but the bounds of its loops

    Timing
    ------
    A command's first block is at hand two cycles after its transfer when idle, and right after the
    last step of the command before. The loops run up to two blocks ahead, so that neither their
    counters nor `i.ready` wait for `step`. All outputs but ``incoming_sets`` come from registers.

    Numbers
    -------
    Sets are counted modulo a power of two: a panel never has more than there are.
    """

    def __init__(self, params: SystolicParams) -> None:
        self.params = params
        layout = command_layout(params.command_format)
        bounds = {field.name for field in loop_fields(NUM_LOOPS, params.bound_bits)}
        self._settings = {name: field.shape for name, field in layout if name not in bounds}
        members = {
            "i": In(stream.Signature(layout)),
            "is_held": Out(1),
            "is_active": Out(1),
            "step": In(1),
            "is_first_of_tile": Out(1),
            "is_last_of_tile": Out(1),
            "is_first_of_panel": Out(1),
            "is_last_of_row": Out(1),
            "is_last_of_panel": Out(1),
            **{name: Out(shape) for name, shape in self._settings.items()},
        }
        if params.has_parameters:
            members["num_sets"] = Out(range(params.param_sets + 1))
            members["incoming_sets"] = Out(range(params.param_sets + 1))
        super().__init__(members)

    def elaborate(self, platform):
        m = Module()
        m.submodules.loops = loops = LoopNest(
            LoopParams(
                num_loops=NUM_LOOPS,
                bound_bits=self.params.bound_bits,
                spaces=(),
                command_format=self.params.command_format,
            )
        )
        wiring.connect(m, wiring.flipped(self.i), loops.command)
        # Flags know the loops below a level: k blocks, subpanels, m tiles, panels.
        block = {
            "is_first_of_tile": loops.at_start[1],
            "is_last_of_tile": loops.at_end[1],
            "is_first_of_panel": loops.at_start[3],
            "is_last_of_row": loops.at_end[2],
            "is_last_of_panel": loops.at_end[3],
            **{name: loops.current[name] for name in self._settings},
        }
        if self.params.has_parameters:
            block["num_sets"] = (loops.current.last_1 + 1)[: len(self.num_sets)]
        blocks, is_held, incoming = buffered(m, loops, block)
        if self.params.has_parameters:
            m.d.comb += self.incoming_sets.eq(incoming.num_sets)
        m.d.comb += [
            self.is_held.eq(is_held),
            self.is_active.eq(blocks.valid),
            blocks.ready.eq(self.step),
            *(getattr(self, name).eq(blocks.payload[name]) for name in block),
        ]
        return m

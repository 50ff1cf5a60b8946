"""A programmable accelerator made from one program can run every other."""

from tilewright.dataflow.compile import compile_graph
from tilewright.hw.configure import configure
from tilewright.hw.lib.dma_params import StoreParams

from tilewright.machines import systolic_machine
from tilewright.workloads import matmul_graph


def test_what_it_was_made_from_does_not_matter():
    for dataflow in ("output_stationary", "weight_stationary"):
        machine = systolic_machine(rows=4, cols=4, lanes=4, dataflow=dataflow)
        made = {
            configure(
                machine,
                compile_graph(matmul_graph(m, k, widths, seed=1), machine)[1],
                name="any",
                programmable_rows=64,
            )
            for m, k, widths in ((1, 1, 1), (9, 9, [7, 5]), (30, 2, [1, 9, 4]))
        }
        assert len({config.units for config in made}) == 1
        # Only a chain gives `stored`; it must mean the write response all the same.
        store = next(iter(made)).unit("store")
        assert isinstance(store.params, StoreParams)
        kinds = dict(zip(store.signals, store.params.signal_kinds, strict=True))
        assert kinds == {"o_free": "read", "stored": "response"}

"""The golden run is fast enough to be used; the page of numbers names every kind that it has."""

import time
from pathlib import Path

import numpy as np
from tilewright.dataflow.graph import Graph, Op, Tensor
from tilewright.sim.golden.ops import KINDS
from tilewright.sim.golden.run import run

NUMBERS = Path(__file__).parents[3] / "docs" / "numbers.md"
WINDOW = {"strides": (1, 1), "pads": (1, 1, 1, 1), "dilations": (1, 1), "groups": 1}
LIMITS = {"zero_point": 0, "minimum": 0, "maximum": 127}


def residual_network(channels, extent, depth):
    """`depth` times a 3 x 3 convolution and the addition of what went in."""
    rng = np.random.default_rng(2)
    shape = (1, channels, extent, extent)
    form = {"shape": shape, "number_format": "int8", "scale": (0.1,), "zero_point": (0,)}
    tensors, ops = [Tensor(name="x0", role="input", **form)], []
    for layer in range(depth):
        constants = {
            f"w{layer}": rng.integers(-128, 128, (channels, channels, 3, 3), np.int8),
            f"b{layer}": rng.integers(-999, 999, channels, np.int32),
            f"s{layer}": np.full(channels, 0.002, np.float32),
        }
        for name, data in constants.items():
            tensors.append(Tensor(name=name, shape=data.shape, number_format=data.dtype.name,
                                  role="constant", data=data))  # fmt: skip
        tensors += [Tensor(name=f"c{layer}", **form), Tensor(name=f"x{layer + 1}", **form)]
        ops.append(Op(name=f"conv{layer}", kind="conv", inputs=(f"x{layer}", *constants),
                      outputs=(f"c{layer}",), attributes=WINDOW | LIMITS))  # fmt: skip
        ops.append(Op(name=f"add{layer}", kind="add", inputs=(f"c{layer}", f"x{layer}"),
                      outputs=(f"x{layer + 1}",)))  # fmt: skip
    return Graph(name="residual", ops=tuple(ops), tensors=tuple(tensors))


def test_an_image_of_ten_million_products_takes_less_than_a_second():
    """As MLPerf Tiny's image classifier: 12.5 million multiply-accumulates."""
    graph = residual_network(channels=32, extent=32, depth=2)
    assert graph.macs > 12_500_000
    image = np.random.default_rng(3).integers(-128, 128, graph.inputs[0].shape, np.int8)
    seconds = []
    for _ in range(3):
        start = time.process_time()
        run(graph, {"x0": image})
        seconds.append(time.process_time() - start)
    assert min(seconds) < 1.0


def test_every_kind_is_defined_on_the_page_of_numbers():
    page = NUMBERS.read_text(encoding="utf-8")
    named = {
        kind for kind in KINDS if f"`{kind}`" in page or kind.replace("_", " ") in page.lower()
    }
    assert named == set(KINDS)

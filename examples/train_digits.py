"""Trains the four example networks, exports them to ONNX and quantises them.

    python -m pip install 'tilewright[train]'
    python examples/train_digits.py --out out/digits

writes, for each network, NAME.onnx (float), NAME.qdq.onnx (int8) and NAME_data.npz (`x_cal`: 200
images to calibrate with, `x_test` and `y_test`: 540 to judge with, none of them trained on), and
prints how many test images each reads right, in floats and in integers. Seeds are fixed: the same
versions on the same processor give the same files. It takes half a minute on one core.
"""

from __future__ import annotations

import argparse
import logging
import sys
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from tilewright.dataflow.importers.model import import_model
from tilewright.sim.golden.run import run
from torch import nn

from tilewright.flow.quantize import quantize_model

SEED = 0
NUM_TEST, NUM_CALIBRATION, NUM_CLASSES = 540, 200, 10
BATCH, EPOCHS, LEARNING_RATE, WEIGHT_DECAY = 64, 60, 3e-3, 1e-4
LEAST_ACCURACY = {
    "digits_linear": 0.93, "digits_mlp": 0.96, "digits_cnn": 0.98, "digits_dsres": 0.98,
}  # fmt: skip


def linear() -> nn.Module:
    """64 pixels, no hidden layer: for the smallest boards."""
    return nn.Sequential(nn.Linear(64, NUM_CLASSES))


def mlp() -> nn.Module:
    """64 pixels, two hidden layers."""
    return nn.Sequential(
        nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, NUM_CLASSES)
    )


def conv(
    inputs: int, outputs: int, size: int = 3, *, stride: int = 1, groups: int = 1
) -> nn.Module:
    """A convolution that keeps the extents (with stride 1), and batch normalisation."""
    layer = nn.Conv2d(
        inputs, outputs, size, stride=stride, padding=size // 2, groups=groups, bias=False
    )
    return nn.Sequential(layer, nn.BatchNorm2d(outputs))


def cnn() -> nn.Module:
    """Three convolutions, two of them followed by a pooling."""
    return nn.Sequential(
        conv(1, 16), nn.ReLU(),
        conv(16, 32), nn.ReLU(), nn.MaxPool2d(2),
        conv(32, 32), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(128, NUM_CLASSES),
    )  # fmt: skip


class DepthwiseResidual(nn.Module):
    """Two residual blocks with a depthwise separable convolution of stride 2 between them."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = conv(1, 16)
        self.a, self.b = conv(16, 16), conv(16, 16)
        self.depthwise, self.pointwise = conv(16, 16, stride=2, groups=16), conv(16, 32, 1)
        self.c, self.d = conv(32, 32), conv(32, 32)
        self.scores = nn.Linear(32, NUM_CLASSES)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Scores of the classes for images [B][1][8][8]."""
        x = self.stem(x).relu()
        x = (x + self.b(self.a(x).relu())).relu()
        x = self.pointwise(self.depthwise(x).relu()).relu()
        x = (x + self.d(self.c(x).relu())).relu()
        scores: torch.Tensor = self.scores(x.mean(dim=(2, 3), keepdim=True).flatten(1))
        return scores


NETWORKS = {
    "digits_linear": linear, "digits_mlp": mlp, "digits_cnn": cnn,
    "digits_dsres": DepthwiseResidual,
}  # fmt: skip
FLAT = ("digits_linear", "digits_mlp")
"""Those that take an image as 64 numbers."""


@dataclass(frozen=True, kw_only=True)
class Digits:
    """Images [n][64] with values from 0 to 1, and their classes."""

    x_train: NDArray[np.float32]
    y_train: NDArray[np.int64]
    x_test: NDArray[np.float32]
    y_test: NDArray[np.int64]


def load() -> Digits:
    """scikit-learn's digits, 30 % of each class set aside as test images."""
    found = load_digits()
    images = (found.data / found.data.max()).astype(np.float32)
    parts = train_test_split(
        images, found.target, test_size=NUM_TEST, random_state=SEED, stratify=found.target
    )
    x_train, x_test, y_train, y_test = parts
    return Digits(
        x_train=x_train,
        y_train=y_train.astype(np.int64),
        x_test=x_test,
        y_test=y_test.astype(np.int64),
    )


def train(network: nn.Module, images: torch.Tensor, labels: torch.Tensor, epochs: int) -> None:
    """Adam with one cycle of the learning rate; batches in a seeded order."""
    steps = -(-len(images) // BATCH)
    optimizer = torch.optim.AdamW(network.parameters(), weight_decay=WEIGHT_DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, LEARNING_RATE, epochs=epochs, steps_per_epoch=steps
    )
    order = torch.Generator().manual_seed(SEED)
    network.train()
    for _ in range(epochs):
        for chosen in torch.randperm(len(images), generator=order).split(BATCH):
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(network(images[chosen]), labels[chosen])
            loss.backward()
            optimizer.step()
            schedule.step()
    network.eval()


def export(network: nn.Module, image: torch.Tensor, path: Path) -> None:
    """One ONNX file with weights inside; the first extent is free."""
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)  # it looks for torchvision in vain
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter's own use of what it has deprecated
        torch.onnx.export(
            network, (image,), str(path), input_names=["x"], output_names=["y"],
            dynamic_shapes=({0: torch.export.Dim("N", min=1)},), opset_version=18, dynamo=True,
            external_data=False, verbose=False,
        )  # fmt: skip
    model = onnx.load(path)
    for node in model.graph.node:
        del node.metadata_props[:]  # lines and paths of this script
    onnx.save(model, path)


def integer_accuracy(path: Path, images: NDArray[np.float32], labels: NDArray[np.int64]) -> float:
    """Share of images that the golden model of the quantised network reads right."""
    graph = import_model(path, batch=len(images)).graph
    entry, result = graph.inputs[0], graph.outputs[0]
    scores = run(graph, {entry.name: entry.quantize(images)})[result.name]
    return float((scores.argmax(axis=1) == labels).mean())


def make(name: str, digits: Digits, out: Path, epochs: int) -> tuple[float, float]:
    """Train, export, quantise and judge one network; accuracy in floats and in integers."""
    torch.manual_seed(SEED)
    network = NETWORKS[name]()
    shape = (-1, 64) if name in FLAT else (-1, 1, 8, 8)
    x_train, x_test = digits.x_train.reshape(shape), digits.x_test.reshape(shape)
    train(network, torch.from_numpy(x_train), torch.from_numpy(digits.y_train), epochs)
    with torch.no_grad():
        scores: NDArray[Any] = network(torch.from_numpy(x_test)).numpy()
    arrays = {"x_cal": x_train[:NUM_CALIBRATION], "x_test": x_test, "y_test": digits.y_test}
    data = out / f"{name}_data.npz"
    np.savez_compressed(data, **arrays)
    export(network, torch.from_numpy(x_train[:2]), out / f"{name}.onnx")
    result = quantize_model(out / f"{name}.onnx", data, arrays={"x": "x_cal"})
    exact = float((scores.argmax(axis=1) == digits.y_test).mean())
    return exact, integer_accuracy(result.path, x_test, digits.y_test)


def main() -> int:
    """0 if every network reads as many digits as it should."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--out", type=Path, default=Path("out/digits"), metavar="DIR")
    parser.add_argument("--epochs", type=int, default=EPOCHS, metavar="N")
    parser.add_argument("--only", choices=NETWORKS, metavar="NAME", help="this network alone")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    digits = load()
    is_good = True
    print(f"{'network':<14}  {'float':>6}  {'int8':>6}  at least")
    names = [options.only] if options.only else list(NETWORKS)
    for name in names:
        least = LEAST_ACCURACY[name]
        exact, integer = make(name, digits, options.out, options.epochs)
        is_good &= min(exact, integer) >= least
        print(f"{name:<14}  {exact:6.4f}  {integer:6.4f}  {least:8.2f}", flush=True)
    print(f"files: {options.out}" if is_good else f"too few digits are read right: {options.out}")
    return 0 if is_good else 1


if __name__ == "__main__":
    sys.exit(main())

"""TFLite int8 models against LiteRT: MLPerf Tiny's, and random ones of every operator."""

import hashlib
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tilewright.dataflow.importers.imported import Imported
from tilewright.dataflow.importers.tflite_file import parse_tflite
from tilewright.dataflow.importers.tflite_model import model_graph
from tilewright.dataflow.integers import to_integers
from tilewright.sim.golden.oracle_litert import Kernels, LiteRT, differences, golden_values
from tilewright.sim.random_models.tflite_models import RandomModel, random_inputs
from tilewright.sim.random_models.tflite_moves import STEPS, chain, one_operator

from tilewright.spec.diagnostics import SpecError

from .form import Row
from .litert_kernels import explained

DATA = Path(__file__).resolve().parents[3] / "shared"
PUBLIC = {
    "ic_resnet8": "3c002613d1b2475eb51dd78dfb85a546c8ae658dee71cf6ade43b022fe205415",
    "kws_dscnn": "aeea436800704fce17b17292e4412630ad856e9d777c044c64ef748a880bd0ae",
}
"""sha256 of the files."""
ORIGIN = "github.com/mlcommons/tiny, benchmark/training (models pretrained there)"
SEED = 1
CHAIN_OPS = 6
SHOWN = 10
EXTREMES = (-128, 127, 0)
Images = NDArray[np.int8]


def rows(count: int = 200, data: Path = DATA) -> list[Row]:
    """`count` inputs of each model; of each operator and of chains of them as many in all."""
    try:
        import ai_edge_litert  # noqa: F401
    except ImportError:
        reason = "package ai-edge-litert is not installed (pip install ai-edge-litert==2.3.0)"
        return [{"case": "TFLite against LiteRT", "checked": 0, "mismatches": 0, "skipped": reason}]
    found = [row for name in PUBLIC for row in model_rows(name, count, data)]
    return [*found, *operator_rows(max(count // 10, 1)), chain_row(count)]


def model_rows(name: str, count: int, data: Path = DATA) -> list[Row]:
    """One model: the default path with inner values, then LiteRT's own kernels, not judged."""
    case, path = f"{name}.int8.tflite", data / "models" / "mlperf_tiny" / f"{name}.int8.tflite"
    if not path.is_file():
        reason = f"{path} is missing; it comes from {ORIGIN}, sha256 {PUBLIC[name]}"
        return [{"case": case, "checked": 0, "mismatches": 0, "skipped": reason}]
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != PUBLIC[name]:
        reason = f"{path} is another file; sha256 {PUBLIC[name]} is wanted, from {ORIGIN}"
        return [{"case": case, "checked": 0, "mismatches": 0, "skipped": reason}]
    imported = _imported(content, case)
    (given,) = imported.graph.inputs
    images = typical_and_extreme(count, given.shape[1:])
    found = [_default_row(case, content, imported, images)]
    for kernels in ("optimised", "reference"):
        found += _other_rows(case, content, imported, images, kernels)
    return found


def typical_and_extreme(count: int, shape: Sequence[int]) -> Images:
    """[count][...]: constant images, planes of one extreme channel, smooth ones, uniform noise."""
    rng = np.random.default_rng(SEED)
    found = list(_extremes(tuple(shape)))[:count]
    while len(found) < count:
        is_smooth = len(found) % 2 == 0
        found.append(_smooth(rng, tuple(shape)) if is_smooth else _uniform(rng, tuple(shape)))
    return np.stack(found).astype(np.int8)


def _extremes(shape: tuple[int, ...]) -> Iterator[NDArray[Any]]:
    for value in EXTREMES:
        yield np.full(shape, value)
    for channel in range(shape[-1]):
        for value in EXTREMES[:2]:
            image = np.zeros(shape)
            image[..., channel] = value
            yield image
    rows, columns = np.indices(shape[:2])
    for period in (1, 2):
        yield np.repeat(np.where((rows + columns) // period % 2, 127, -128)[..., None], shape[2], 2)


def _smooth(rng: np.random.Generator, shape: tuple[int, ...]) -> NDArray[Any]:
    """A few soft spots on a ramp with some noise, as pictures and spectra have them."""
    rows, columns = (
        axis / extent for axis, extent in zip(np.indices(shape[:2]), shape, strict=False)
    )
    image = rng.normal(0, 8, shape) + rng.uniform(-90, 90)
    for _ in range(4):
        row, column, width = rng.uniform(0, 1, 3)
        spot = np.exp(-((rows - row) ** 2 + (columns - column) ** 2) / (0.02 + width / 4))
        image += spot[..., None] * rng.normal(0, 70, shape[-1])
    return np.clip(image, -128, 127)


def _uniform(rng: np.random.Generator, shape: tuple[int, ...]) -> NDArray[Any]:
    return rng.integers(-128, 128, shape)


def _imported(content: bytes, name: str) -> Imported:
    return to_integers(model_graph(parse_tflite(content, Path(name))), name)


def _default_row(case: str, content: bytes, imported: Imported, images: Images) -> Row:
    """Every output of the default path, and every inner value of the run that keeps them."""
    plain, keeping = LiteRT(content), LiteRT(content, keeps_inner=True)
    started = time.perf_counter()
    ours = golden_values(imported.model, imported.graph, [images])
    seconds = (time.perf_counter() - started) / len(images)
    checked = mismatches = changed = 0
    names = sorted(ours)
    found: set[str] = set()
    for index in range(len(images)):
        image = images[index : index + 1]
        outputs, kept = plain.run([image]), keeping.run([image])
        inner = keeping.inner(names)
        found.update(inner)
        changed += differences(outputs, kept)[1]
        mine = {name: values[index : index + 1] for name, values in ours.items()}
        for theirs in (outputs, {name: inner[name] for name in inner if name not in outputs}):
            both = differences(mine, theirs)
            checked, mismatches = checked + both[0], mismatches + both[1]
    return {
        "case": f"{case}, default path",
        "checked": checked,
        "mismatches": mismatches,
        "samples": len(images),
        "inner_tensors": len(found) - len(imported.graph.outputs),
        "left_out": sorted(set(names) - found),
        "seconds_per_image": round(seconds, 4),
        "notes": [
            f"{plain.delegated} groups of ops run in XNNPACK, {keeping.delegated} where inner "
            f"values are kept; {changed} outputs differ between the two"
        ],
        "falls_short": ["keeping inner values changes outputs"] if changed else [],
    }


def _other_rows(
    case: str, content: bytes, imported: Imported, images: Images, kernels: Kernels
) -> list[Row]:
    """How often LiteRT's own kernels answer otherwise, and whether their roundings explain it."""
    other = LiteRT(content, kernels, keeps_inner=True)
    ours = golden_values(imported.model, imported.graph, [images])
    names = {*ours, *(tensor.origin for tensor in imported.graph.inputs)}
    counts: dict[str, NDArray[np.int64]] = {}
    outputs = checked = 0
    for index in range(len(images)):
        theirs = other.run([images[index : index + 1]])
        both = differences({name: ours[name][index : index + 1] for name in theirs}, theirs)
        checked, outputs = checked + both[0], outputs + both[1]
        values = other.inner(sorted(names)) | theirs
        found = explained(imported.model, imported.graph, kernels, values)
        counts = {kind: counts.get(kind, 0) + count for kind, count in found.items()}
    described = [
        f"{kind}: {differ:,} of {of:,} values differ for the same operands, "
        f"{left:,} when rounded as these kernels do"
        for kind, (of, differ, left) in sorted(counts.items())
        if differ
    ]
    totals = sum(counts.values())
    plain = {"case": f"{case}, {kernels}", "checked": checked, "mismatches": outputs}
    why = {"case": f"{case}, {kernels}, why", "checked": int(totals[0])}
    is_portable = kernels == "reference"  # the optimised ones depend on the processor
    return [
        plain | {"is_judged": False, "samples": len(images)},
        why | {"mismatches": int(totals[2]), "is_judged": is_portable, "notes": described},
    ]


def operator_rows(seeds: int) -> list[Row]:
    """Every operator alone, `seeds` random models of each, on the default path; then how often
    LiteRT's own kernels differ from it, by operator."""
    judged = _empty("random TFLite models, one operator")
    others: dict[Kernels, dict[str, list[int]]] = {"optimised": {}, "reference": {}}
    for kind in STEPS:
        for seed in range(seeds):
            model = one_operator(kind, seed)
            _compare(judged, model, seed, f"one_operator({kind!r}, {seed})")
            for kernels, counts in others.items():
                _count(counts.setdefault(kind, [0, 0]), model, seed, kernels)
    judged["notes"] = [f"{len(STEPS)} operators, {seeds} models each", *judged["notes"]]
    return [judged, *(_others_row(kernels, counts) for kernels, counts in others.items())]


def chain_row(count: int) -> Row:
    """Random chains of operators, which also move between orders of axes."""
    row = _empty("random TFLite models, chains")
    for seed in range(count):
        _compare(row, chain(seed, CHAIN_OPS), seed, f"chain({seed}, {CHAIN_OPS})")
    row["notes"] = [f"{count} models of {CHAIN_OPS} operators", *row["notes"]]
    return row


def _empty(case: str) -> Row:
    return {"case": case, "checked": 0, "mismatches": 0, "examples": [], "notes": []}


def _compare(row: Row, model: RandomModel, seed: int, how: str) -> None:
    inputs = random_inputs(np.random.default_rng(seed), model.shapes)
    try:
        imported = _imported(model.data, how)
    except SpecError as error:
        row["notes"].append(f"not imported: {str(error).splitlines()[0]}")
        return
    theirs = LiteRT(model.data).run(inputs)
    ours = golden_values(imported.model, imported.graph, inputs)
    if set(theirs) - set(ours):
        raise ValueError(f"{how}: no value for {sorted(set(theirs) - set(ours))}")
    checked, wrong = differences(ours, theirs)
    row["checked"] += checked
    row["mismatches"] += wrong
    if wrong and len(row["examples"]) < SHOWN:
        row["examples"].append(f"{how}: {wrong} of {checked} values")


def _count(counts: list[int], model: RandomModel, seed: int, kernels: Kernels) -> None:
    """Adds how many values the default path and other kernels have, and where they differ."""
    inputs = random_inputs(np.random.default_rng(seed), model.shapes)
    default = LiteRT(model.data).run(inputs)
    try:
        theirs = LiteRT(model.data, kernels).run(inputs)
    except RuntimeError:
        return  # some forms exist in XNNPACK only
    both = differences(default, theirs)
    counts[0] += both[0]
    counts[1] += both[1]


def _others_row(kernels: Kernels, counts: dict[str, list[int]]) -> Row:
    ranked = sorted(counts.items(), key=lambda item: -item[1][1] / max(item[1][0], 1))
    shares = [f"{kind} {wrong / of:.2%}" for kind, (of, wrong) in ranked if wrong]
    lines = [", ".join(shares[start : start + 5]) for start in range(0, len(shares), 5)]
    return {
        "case": f"one operator, {kernels} and default",
        "checked": sum(of for of, _ in counts.values()),
        "mismatches": sum(wrong for _, wrong in counts.values()),
        "is_judged": False,
        "notes": ["values that differ, by operator; none for the others:", *lines],
    }

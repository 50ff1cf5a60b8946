"""The published networks that ship: totals against published numbers, and against model files."""

from pathlib import Path

import pytest
from tilewright.dse.workloads.layers import Convolution, Matmul
from tilewright.dse.workloads.read import library_names, library_workload, read_workload

from tilewright.spec.diagnostics import SpecError

MODELS = Path(__file__).resolve().parents[3] / "examples"


def test_all_are_there_and_say_where_they_are_from() -> None:
    assert set(library_names()) == {
        *("resnet50", "mobilenet_v1", "bert_base", "gpt2_medium_prefill", "gpt2_medium_decode"),
        *("mlperf_tiny_ic", "mlperf_tiny_kws", "mlperf_tiny_vww", "mlperf_tiny_ad"),
    }
    for name in library_names():
        assert any(mark in library_workload(name).source for mark in ("arXiv", "mlcommons", " 20"))


def test_resnet50() -> None:
    """torchvision's model card: 4.09 GFLOPS (multiply-adds), 25,557,032 parameters, of which
    26,560 channels have two of normalisation each and the last layer has 1,000 biases."""
    workload = library_workload("resnet50")
    assert round(workload.macs / 1e9, 2) == 4.09
    assert workload.weights + 2 * 26_560 + 1_000 == 25_557_032
    assert sum(layer.repeats for layer in workload.layers) == 54


def test_mobilenet_v1() -> None:
    """Howard et al., table 4: 569 million multiply-adds, 4.2 million parameters."""
    workload = library_workload("mobilenet_v1")
    assert round(workload.macs / 1e6) == 569
    assert round(workload.weights / 1e6, 1) == 4.2


def test_bert_base() -> None:
    """Sun et al., MobileBERT, ACL 2020, table 4: 22.5 billion operations for 128 tokens, two per
    multiply-accumulate; Devlin et al.: 110 million parameters with 23.8 million of embeddings."""
    workload = library_workload("bert_base")
    assert 2 * workload.macs == pytest.approx(22.5e9, rel=0.01)
    embeddings = (30_522 + 512 + 2) * 768
    assert workload.weights + embeddings == pytest.approx(110e6, rel=0.02)


def test_gpt2_medium() -> None:
    """Kaplan et al., arXiv 2001.08361, section 2.1: 12 x layers x width^2 parameters beside the
    embeddings, each used once per token, and layers x keys x width for each of two products."""
    blocks = 12 * 24 * 1024**2
    logits = 1024 * 50_257
    attention = 2 * 24 * 1024 * 1024
    prefill, decode = (library_workload(f"gpt2_medium_{name}") for name in ("prefill", "decode"))
    assert prefill.weights == decode.weights == blocks + logits
    assert prefill.macs == 1024 * (blocks + attention) + logits
    assert decode.macs == blocks + attention + logits


@pytest.mark.parametrize(
    ("name", "macs", "channels", "classes", "parameters"),
    [
        ("mlperf_tiny_kws", 2_656_768, 9 * 64, 12, 24_908),
        ("mlperf_tiny_vww", 7_489_664, 2_736, 2, 221_794),
    ],
)
def test_mlperf_tiny_of_separable_convolutions(
    name: str, macs: int, channels: int, classes: int, parameters: int
) -> None:
    """Parameters as Keras counts them in the reference models: weights, a bias and four of
    normalisation per channel of a convolution, and the biases of the classes."""
    workload = library_workload(name)
    assert workload.macs == macs
    convolutions = [layer for layer in workload.layers if isinstance(layer, Convolution)]
    assert sum(layer.K for layer in convolutions) == channels
    assert workload.weights + 5 * channels + classes == parameters


def test_mlperf_tiny_image_classification() -> None:
    """78,666 parameters: seven of nine convolutions have a normalisation, all have biases."""
    workload = library_workload("mlperf_tiny_ic")
    assert workload.macs == 12_501_632
    convolutions = [layer for layer in workload.layers if isinstance(layer, Convolution)]
    biases = sum(layer.K for layer in convolutions) + 10
    normalised = sum(layer.K for layer in convolutions if "shortcut" not in layer.name)
    assert workload.weights + biases + 4 * normalised == 78_666


def test_mlperf_tiny_anomaly_detection() -> None:
    """269,992 parameters: a bias and four of normalisation per hidden unit, 640 more biases."""
    workload = library_workload("mlperf_tiny_ad")
    hidden = 8 * 128 + 8
    assert workload.macs == workload.weights == 264_192
    assert workload.weights + 5 * hidden + 640 == 269_992


def test_an_own_model_has_the_layers_of_its_graph() -> None:
    workload = read_workload(MODELS / "digits_mlp.qdq.onnx")
    assert all(isinstance(layer, Matmul) for layer in workload.layers)
    assert workload.layers[0].as_matmul().K == 64
    assert workload.macs == sum(layer.macs for layer in workload.layers) > 0


@pytest.mark.parametrize(
    ("name", "file"), [("ic", "ic_resnet8.int8.tflite"), ("kws", "kws_dscnn.int8.tflite")]
)
def test_reference_models_have_the_same_layers(name: str, file: str) -> None:
    """Layer for layer: the extents as products, in the order of the file's layers."""
    path = Path(__file__).resolve().parents[4] / "shared" / "models" / "mlperf_tiny" / file
    if not path.exists():
        pytest.skip(f"the reference model {file} is not here")
    mine, theirs = library_workload(f"mlperf_tiny_{name}"), read_workload(path)
    extents = [
        sorted((p.M, p.K, p.N, p.repeats) for p in (layer.as_matmul() for layer in w.layers))
        for w in (mine, theirs)
    ]
    assert extents[0] == extents[1]
    assert any("left out" in note for note in theirs.notes)


def test_an_unknown_name_says_what_was_meant() -> None:
    with pytest.raises(SpecError, match="did you mean `resnet50`"):
        library_workload("resnet5")


def test_an_unknown_ending_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"must end in one of \.csv, \.yaml"):
        read_workload(tmp_path / "x.txt")

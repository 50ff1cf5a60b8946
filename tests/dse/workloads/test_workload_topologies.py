"""Topology files of SCALE-Sim: every form that its repository has, and what is wrong with some.

The texts are ours; comments name the public files (scalesim-project/SCALE-Sim, topologies/) of the
same form. Those that the tool itself fails to read are marked.
"""

import pytest
from tilewright.dse.workloads.layers import Convolution, Layer, Matmul, Workload
from tilewright.dse.workloads.scale_sim import parse_topology

from tilewright.spec.diagnostics import SpecError

CONVOLUTIONS = (
    "Layer name, IFMAP Height, IFMAP Width, Filter Height, Filter Width, "
    "Channels, Num Filter, Strides"
)


def read(*rows: str, header: str = CONVOLUTIONS + ",") -> Workload:
    return parse_topology("\n".join((header, *rows)), "net.csv")


def only(workload: Workload) -> Layer:
    (layer,) = workload.layers
    return layer


def test_a_convolution() -> None:
    """conv_nets/alexnet_part.csv has this layer; the tool makes 55 x 55 outputs of it."""
    layer = only(read("Conv1,  224, 224,    11, 11,    3,      96,     4,"))
    assert layer == Convolution(name="Conv1", K=96, C=3, OY=55, OX=55, FY=11, FX=11, stride=(4, 4))


def test_a_product_whatever_the_order_of_its_columns() -> None:
    """GEMM_mnk/gpt2.csv: carriage returns, M before N before K."""
    text = "Layer,M,N,K,\r\nQKT,1024,64,1600,\r\n\r\n"
    assert only(parse_topology(text, "x.csv")) == Matmul(name="QKT", M=1024, N=64, K=1600)
    other = read("QKT,1024,1600,64", header="Layer,M,K,N")
    assert only(other) == Matmul(name="QKT", M=1024, N=64, K=1600)


@pytest.mark.parametrize(
    "text",
    [
        f"\ufeff{CONVOLUTIONS},\nA,4,4,3,3,2,5,1,\n",  # resnet/resnet_fwd.csv: byte order mark
        f"{CONVOLUTIONS}\nA,4,4,3,3,2,5,1\n",  # div64q/Resnet50.csv, no last comma: tool fails
        f"{CONVOLUTIONS},\n,,,,,,,,\nA,4,4,3,3,2,5,1,",  # mlperf/Transformer_short.csv: tool fails
        f"\n{CONVOLUTIONS},\n\n\nA,4,4,3,3,2,5,1,\n\n",  # mlperf/test.csv: blank lines
        f"{CONVOLUTIONS},\r\nA,4,4,3,3,2,5,1,\r\n",
        f"{CONVOLUTIONS},\rA,4,4,3,3,2,5,1,\r",
        f'# ours\n{CONVOLUTIONS},\n"A", 4 ,4,3,3,2,5,1,\n#end\n',
        f"{CONVOLUTIONS},\nA,4,4,3,3,2,5,1,\n{CONVOLUTIONS},\n",
        "\t".join((*CONVOLUTIONS.split(", "), "")) + "\nA\t4\t4\t3\t3\t2\t5\t1\t\n",  # UNet_maestro
        CONVOLUTIONS.lower() + ",\nA,4,4,3,3,2,5,1,\n",
        "Layer,channels,num filters,strides,IFMAP  Height,IFMAP Width,filter height,Filter Width\n"
        "A,2,5,1,4,4,3,3\n",
    ],
)
def test_one_layer_in_many_forms(text: str) -> None:
    layer = only(parse_topology(text, "x.csv"))
    assert layer == Convolution(name="A", K=5, C=2, OY=2, OX=2, FY=3, FX=3)


def test_a_quoted_name_may_hold_a_comma() -> None:
    assert only(read('"conv, first ""1""",4,4,3,3,2,5,1,')).name == 'conv, first "1"'


def test_headings_name_the_rows_below() -> None:
    """mlperf/MLPERF.csv: several networks in one file; the tool fails."""
    workload = read("Alexnet,", "Conv1,4,4,3,3,2,5,1,", "", "Googlenet,", "Conv1,4,4,3,3,2,5,1,")
    assert [layer.name for layer in workload.layers] == ["Alexnet/Conv1", "Googlenet/Conv1"]
    assert workload.notes[0] == "row 2: `Alexnet` heads the rows below it"


def test_more_columns_are_told() -> None:
    """conv_nets/Resnet50.csv: its author's 110 rows of outputs beside it; the tool fails."""
    workload = read(
        ",,,,,,,,,,,,",
        "Conv1,224,224,7,7,3,64,2,,,110,110,12100",
        header=CONVOLUTIONS + ",,,Eh,Ew,e2",
    )
    assert only(workload).macs == 110 * 110 * 49 * 3 * 64
    assert workload.notes[0] == "column `Eh` is not read"


def test_remarks_are_told() -> None:
    """conv_nets/mobilnet_4k.csv; the tool fails."""
    workload = read("Conv2_dw, 8, 8, 3, 3, 1, 1, 1,#dw")
    assert workload.notes == ("row 2: `Conv2_dw` has the remark `dw`",)


def test_a_batch_and_a_second_stride() -> None:
    """llama/llama3b.csv has a batch, the tool's own output a second stride; it fails on both."""
    batched = read("A,4,4,3,3,2,5,1,7,", header=CONVOLUTIONS + ", Batch Size,")
    assert isinstance(layer := only(batched), Convolution) and layer.B == 7
    written = CONVOLUTIONS.replace("Strides", "Stride height,Stride width") + ","
    strided = only(read("A,9,9,3,3,2,5,2,3,", header=written))
    assert isinstance(strided, Convolution) and strided.stride == (2, 3)
    unnamed = read("A,9,9,3,3,2,5,2,3, ")  # mlperf/div4q/Sentimental_seqLSTM_short.csv
    assert isinstance(layer := only(unnamed), Convolution) and layer.stride == (2, 3)
    assert unnamed.notes == ("row 2: `3` is taken as stride of columns",)


def test_sparsity() -> None:
    """sparsity/conv.csv, sparsity/gemm.csv."""
    assert only(read("A,4,4,3,3,2,5,1,2:4,", header=CONVOLUTIONS + ", Sparsity,")).kept == (2, 4)
    assert only(read("A,3,5,16,3:4,", header="Layer Name, M, N, K, Sparsity,")).kept == (3, 4)


def test_a_layer_per_channel() -> None:
    """A name with DP: the tool makes a layer of one channel of each."""
    layer = only(read("DP_1,4,4,3,3,6,1,1,"))
    assert isinstance(layer, Convolution)
    assert (layer.C, layer.repeats, layer.macs) == (1, 6, 6 * 4 * 9)


def test_columns_by_their_places_where_a_name_stands_twice() -> None:
    """deepbench/DeepBenchConv/DeepBench.csv names the width twice."""
    header = CONVOLUTIONS.replace("IFMAP Height", "IFMAP Width") + ","
    layer = only(workload := read("A,700,161,5,20,1,32,2,", header=header))
    assert isinstance(layer, Convolution) and (layer.OY, layer.OX) == (349, 72)
    assert workload.notes == ("columns are taken by their places, for a name stands twice",)


def errors(*rows: str, header: str = CONVOLUTIONS + ",") -> list[str]:
    with pytest.raises(SpecError) as caught:
        read(*rows, header=header)
    return [d.render().split("\n")[0] for d in caught.value.diagnostics]


def test_all_mistakes_with_rows_and_columns() -> None:
    """rnn_eval/LSTM_template.csv (letters), mlperf/Sentimental_seqLSTM.csv (a hole): tool fails."""
    whole = "must be a whole number from 1 to 2147483647"
    assert errors(
        "A, 1, B, 1, 1, H, 8, 1,",
        "B, 4, 4, 3, 3, 2, 5, 1,",
        "FC, 1, 1, 1, ,1 2, 2, 1,",
        "C, 2, 2, 3, 1, 0, 5, 1.5,",
        "D, 2, 2",
    ) == [
        f"net.csv:2:7: error: row 2, IFMAP Width: {whole}, got B",
        f"net.csv:2:16: error: row 2, Channels: {whole}, got H",
        f"net.csv:4:13: error: row 4, Filter Width: {whole}, got nothing",
        f"net.csv:4:15: error: row 4, Channels: {whole}, got 1 2",
        "net.csv:5:10: error: row 5, Filter Height: must not be larger than the input's 2 rows, "
        "got 3",
        f"net.csv:5:16: error: row 5, Channels: {whole}, got 0",
        f"net.csv:5:22: error: row 5, Strides: {whole}, got 1.5",
        "net.csv:6:7: error: row 6: must have a field for each of 8 columns, has 3",
    ]


def test_letters_are_a_template() -> None:
    with pytest.raises(SpecError, match="a file of this kind is a template"):
        read("A, 1, B, 1, 1, H, 8, 1,")


@pytest.mark.parametrize(
    ("rows", "header", "words"),
    [
        ((), CONVOLUTIONS, "must be followed by rows of layers"),
        (("A,1,2,3",), "Layer,M,N", "the first row must name the columns; IFMAP Height"),
        (("A,1,2,3,4",), "Layer,M,N,K", "row 2, field 5: stands beyond the last column, got 4"),
        (("A,1,2,3,x",), "Layer,M,N,K,Sparsity", "must be a ratio such as 2:4"),
        (("A,1,2,3,4:2",), "Layer,M,N,K,Sparsity", "must be a ratio such as 2:4"),
        (("A,9999999,9999999,99999",), "Layer,M,N,K", "at most 2\\^53 multiply-accumulates"),
        (("A,99999999999,1,1",), "Layer,M,N,K", "must be a whole number"),
        (("A,²,1,1",), "Layer,M,N,K", "must be a whole number"),
        (("",), "", "must have a row of column names"),
    ],
)
def test_other_mistakes(rows: tuple[str, ...], header: str, words: str) -> None:
    with pytest.raises(SpecError, match=words):
        read(*rows, header=header)


def test_a_flood_of_mistakes_ends() -> None:
    with pytest.raises(SpecError) as caught:
        read(*["A,x,x,x,x,x,x,x"] * 1000)
    assert len(caught.value.diagnostics) == 50

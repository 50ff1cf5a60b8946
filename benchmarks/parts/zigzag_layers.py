"""Cycles of matrix products by ZigZag, under its own Python: its own TPU-like machine with another
array. Reads and writes a JSON file each: `python zigzag_layers.py products.json cycles.json`.
"""

import json
import logging
import sys
from pathlib import Path

import yaml  # of ZigZag's environment, as the next two
import zigzag
from zigzag.api import get_hardware_performance_zigzag


def main() -> None:
    """Products are [M, K, N]; the answer has cycles of each in the same order."""
    source, result = (Path(name) for name in sys.argv[1:3])
    asked = json.loads(source.read_text())
    logging.disable(logging.CRITICAL)
    rows, cols = asked["rows"], asked["cols"]
    inputs = Path(zigzag.__file__).parent / "inputs" / "hardware" / "tpu_like.yaml"
    hardware = yaml.safe_load(inputs.read_text())
    hardware["operational_array"]["sizes"] = [cols, rows]
    _write("hardware.yaml", hardware)
    unrolled = {"D1": [f"K, {cols}"], "D2": [f"C, {rows}"]}
    links = {"O": "O", "W": "I2", "I": "I1"}
    mapping = {"name": "default", "spatial_mapping": unrolled, "memory_operand_links": links}
    _write("mapping.yaml", [mapping])
    result.write_text(json.dumps([_cycles(*product) for product in asked["products"]]))


def _cycles(M: int, K: int, N: int) -> float:
    layer = {
        "id": 0,
        "name": "product",
        "operator_type": "Conv",
        "equation": "O[b][k]+=W[k][c]*I[b][c]",
        "loop_dims": ["B", "K", "C"],
        "loop_sizes": [M, N, K],
        "operand_precision": {"I": 8, "W": 8, "O": 16, "O_final": 8},
        "operand_source": {"I": 0, "W": 0},
    }
    _write("workload.yaml", [layer])
    found = get_hardware_performance_zigzag(
        "workload.yaml",
        "hardware.yaml",
        "mapping.yaml",
        opt="latency",
        dump_folder="zigzag",
        pickle_filename="zigzag/found.pickle",
        loma_show_progress_bar=False,
    )
    return float(found[1])


def _write(name: str, data: object) -> None:
    Path(name).write_text(yaml.safe_dump(data, sort_keys=False))  # the order of memories counts


main()

"""Converters of ONNX nodes, a file for each family; importing the package registers them all."""

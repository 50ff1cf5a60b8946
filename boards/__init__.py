"""Boards and their devices as tables: what is on them, to which pins it goes, how large it is."""

from .fit import Overuse, overuse, resources_of
from .load import board_names, device_names, load_board, load_board_file, load_device
from .model import Board, BoardMemory, Clock, Device, Pin, Uart

__all__ = [
    "Board",
    "BoardMemory",
    "Clock",
    "Device",
    "Overuse",
    "Pin",
    "Uart",
    "board_names",
    "device_names",
    "load_board",
    "load_board_file",
    "load_device",
    "overuse",
    "resources_of",
]

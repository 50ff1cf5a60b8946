"""Sizes of FPGAs, a table for each data sheet."""

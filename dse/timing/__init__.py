"""Exact timing of a program: units as recurrences that pass tokens."""

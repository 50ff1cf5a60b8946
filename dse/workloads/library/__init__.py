"""Layers of published networks, a list in YAML for each, with the source of its extents."""

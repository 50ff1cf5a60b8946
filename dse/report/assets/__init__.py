"""The style and the script of the page, as files that tools for them can read."""

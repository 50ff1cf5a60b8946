"""What surrounds an accelerator on a board: serial line, link, memory, LEDs."""

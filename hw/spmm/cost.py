"""Cost laws of the spmm template. Pure: no Amaranth here."""

ISSUE_TO_ITEM_CYCLES = 3
"""From an entry's start to its result in the FIFO's input: bank, word, product."""

MERGE_CYCLES = 1
"""From the FIFO's output to a lane's output, or to the lane to the left."""

ISSUE_TO_RESULT_CYCLES = ISSUE_TO_ITEM_CYCLES + 1 + MERGE_CYCLES
"""From an entry's start to its result on the lane's output, if nothing is before it."""

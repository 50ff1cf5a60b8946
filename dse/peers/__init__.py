"""Models of other machines to compare with: their cycles, not ours."""

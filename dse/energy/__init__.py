"""Energy of designs from published tables, and how far a ranking depends on the table."""

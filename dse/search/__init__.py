"""Search in spaces that are too large or too slow to enumerate: samplers over our own records."""

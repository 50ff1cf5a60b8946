"""The top-k template: the k largest keys of each packet."""

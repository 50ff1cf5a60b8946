"""The zero_skip template: finds the elements worth computing with, many per cycle."""

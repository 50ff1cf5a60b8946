"""`tilewright sweep`: the designs that a spec describes with its section `sweep:`."""

"""Each kernel of fastgrad._cpu against the float64 oracles."""

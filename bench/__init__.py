"""Benchmarks of fastgrad beside its peers: ``python -m bench step|linear|activations|losses|update``.

``harness`` measures, ``machine`` knows the limits, ``cases`` holds the networks, ``peers`` train them,
``tables`` prints; each subject has a file of its own: what is measured, against which reference.
"""

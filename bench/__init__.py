"""Benchmarks of fastgrad beside its peers: ``python -m bench SUBJECT``.

``harness`` measures, ``machine`` knows the limits, ``cases`` holds the networks and ``optimizers`` the rules,
``peers`` train them, ``training`` checks and times the peers, ``tables`` prints; each subject has a file of its own:
what is measured, against which reference. The files called ``gpu`` do the same on a GPU; ``gpu.sh`` prepares one.
"""

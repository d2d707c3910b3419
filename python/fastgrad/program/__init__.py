"""Recorded steps: what a function did, as a flat list of commands that is improved and then run natively.

`recorder` writes the list down while the function runs once; `fuse` and `memory` improve it; `build` turns it into a
native program. `fastgrad.compile` is what users call.
"""

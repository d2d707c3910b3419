"""Modules and functions of fastgrad.nn beside torch's."""

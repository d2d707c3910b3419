"""Stands for cupyx.scipy."""

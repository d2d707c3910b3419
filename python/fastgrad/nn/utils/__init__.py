"""Helpers around parameters and gradients."""

from __future__ import annotations

from fastgrad.nn.utils.clip_grad import clip_grad_norm_, clip_grad_value_
from fastgrad.nn.utils.vectors import parameters_to_vector, vector_to_parameters

__all__ = ["clip_grad_norm_", "clip_grad_value_", "parameters_to_vector", "vector_to_parameters"]

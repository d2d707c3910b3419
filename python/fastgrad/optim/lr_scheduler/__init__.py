"""Schedules for the learning rates of an optimiser."""

from __future__ import annotations

from fastgrad.optim.lr_scheduler.annealing import CosineAnnealingLR, LinearLR
from fastgrad.optim.lr_scheduler.decay import ExponentialLR, LambdaLR, MultiStepLR, StepLR
from fastgrad.optim.lr_scheduler.one_cycle import OneCycleLR
from fastgrad.optim.lr_scheduler.plateau import ReduceLROnPlateau
from fastgrad.optim.lr_scheduler.scheduler import LRScheduler

__all__ = [
    "CosineAnnealingLR",
    "ExponentialLR",
    "LRScheduler",
    "LambdaLR",
    "LinearLR",
    "MultiStepLR",
    "OneCycleLR",
    "ReduceLROnPlateau",
    "StepLR",
]

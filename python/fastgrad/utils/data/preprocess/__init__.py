"""Preprocessing: what is learned from the training data once and done to all data before a network sees them.

Source: LeCun, Bottou, Orr and Müller, "Efficient BackProp" (1998), section 4.3: subtract the mean, decorrelate, and
scale to unit variance.
"""

from __future__ import annotations

from fastgrad.utils.data.preprocess.base import Preprocessor
from fastgrad.utils.data.preprocess.center import Center
from fastgrad.utils.data.preprocess.compose import Compose
from fastgrad.utils.data.preprocess.standardize import Standardize
from fastgrad.utils.data.preprocess.whiten import Whiten

__all__ = ["Center", "Compose", "Preprocessor", "Standardize", "Whiten"]

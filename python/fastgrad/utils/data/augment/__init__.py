"""Augmentation: pictures changed a little at random, so that a network sees more of them than there are.

Source: LeCun, Bottou, Bengio and Haffner, "Gradient-based learning applied to document recognition" (1998); Simard,
Steinkraus and Platt, "Best practices for convolutional neural networks" (2003).
"""

from __future__ import annotations

from fastgrad.utils.data.augment.base import Augmentation, Geometric, Pointwise
from fastgrad.utils.data.augment.compose import Compose
from fastgrad.utils.data.augment.geometric import Reflect, Rotate, Shear, Shift, Zoom
from fastgrad.utils.data.augment.pointwise import Brightness, Colour, Contrast, Noise
from fastgrad.utils.data.augment.sheet import contact_sheet

__all__ = [
    "Augmentation",
    "Brightness",
    "Colour",
    "Compose",
    "Contrast",
    "Geometric",
    "Noise",
    "Pointwise",
    "Reflect",
    "Rotate",
    "Shear",
    "Shift",
    "Zoom",
    "contact_sheet",
]

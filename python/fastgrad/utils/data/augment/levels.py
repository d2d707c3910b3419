"""Levels: what all changes of values in a composition come to, for one pass over the pictures."""

from __future__ import annotations

import numpy as np

__all__ = ["Levels"]


class Levels:
    """For each picture y = G x + o over its channels, and noise.

    Parameters
    ----------
    pictures : ndarray
        Shape (pictures, channels, height, width): what is to be changed.
    black, unit : float
        The value of black, and how far white is from it.

    Attributes
    ----------
    gain : ndarray
        G, of shape (pictures, channels, channels).
    offset : ndarray
        o, of shape (pictures, channels).
    noise : ndarray
        The standard deviation of the noise that is added at the end, of shape (pictures,).
    """

    def __init__(self, pictures: np.ndarray, black: float, unit: float) -> None:
        n, channels = pictures.shape[:2]
        self.pictures, self.black, self.unit = pictures, black, unit
        self.gain = np.tile(np.eye(channels), (n, 1, 1))
        self.offset = np.zeros((n, channels))
        self.noise = np.zeros(n)

    def then(self, gain: np.ndarray, offset: np.ndarray) -> None:
        """Let y = `gain` x + `offset` follow on what there is; shapes (n, channels, channels) and (n, channels)."""
        self.gain = gain @ self.gain
        self.offset = np.einsum("nij,nj->ni", gain, self.offset) + offset

    def means(self) -> np.ndarray:
        """The mean of each channel after what there is so far, of shape (n, channels)."""
        means = self.pictures.mean((2, 3))
        return np.einsum("nij,nj->ni", self.gain, means) + self.offset  # type: ignore[no-any-return]

    def apply(self, rng: np.random.Generator) -> None:
        """Change the pictures in place."""
        x = self.pictures
        gains = np.einsum("nii->ni", self.gain)
        if np.count_nonzero(self.gain) > np.count_nonzero(gains):  # channels mix
            flat = x.reshape(*x.shape[:2], -1)
            x[:] = (self.gain.astype(x.dtype) @ flat).reshape(x.shape)
        elif (gains != 1.0).any():
            x *= gains[:, :, None, None].astype(x.dtype)
        if self.offset.any():
            x += self.offset[:, :, None, None].astype(x.dtype)
        noisy = np.flatnonzero(self.noise)
        if len(noisy):
            noise = rng.standard_normal((len(noisy), *x.shape[1:]), x.dtype)
            noise *= self.noise[noisy, None, None, None].astype(x.dtype)
            x[noisy if len(noisy) < len(x) else slice(None)] += noise

"""Pictures moved by affine maps: each value of the result is interpolated once, at the place it comes from."""

from __future__ import annotations

import numpy as np

__all__ = ["BORDERS", "resample"]

# Ours, and scipy's name for it.
BORDERS = {"constant": "grid-constant", "nearest": "nearest", "reflect": "reflect"}


def _inverses(maps: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The inverses of maps of points (y, x, 1): linear parts of shape (n, 2, 2), and shifts of shape (n, 2)."""
    (a, b), (c, d) = maps[:, 0, :2].T, maps[:, 1, :2].T
    linear = np.array([[d, -b], [-c, a]]).transpose(2, 0, 1) / (a * d - b * c)[:, None, None]
    return linear, -np.einsum("nij,nj->ni", linear, maps[:, :2, 2])


def _fold(s: np.ndarray, size: int, border: str) -> np.ndarray:
    """Places outside of 0 … size − 1 as places inside, or for a constant border at most 1 outside; changes `s`."""
    if border == "constant":
        return np.clip(s, -1.0, size, out=s)
    if border == "reflect":
        s += 0.5
        s %= 2 * size
        s -= size
        np.abs(s, out=s)
        np.subtract(size - 0.5, s, out=s)
    return np.clip(s, 0.0, size - 1.0, out=s)


def _padded(pictures: np.ndarray, border: str, fill: float) -> np.ndarray:
    """Pictures with one more row above and two below, and so for columns: every neighbour is there."""
    n, channels, height, width = pictures.shape
    out = np.empty((n, channels, height + 3, width + 3), pictures.dtype)
    out[:, :, 1:-2, 1:-2] = pictures
    top, bottom, left, right = out[:, :, :1], out[:, :, -2:], out[..., :1], out[..., -2:]
    if border == "constant":
        top[...] = bottom[...] = left[...] = right[...] = fill
    else:
        top[...], bottom[...] = out[:, :, 1:2], out[:, :, -3:-2]
        left[...], right[...] = out[..., 1:2], out[..., -3:-2]
    return out


def _gathered(pictures: np.ndarray, maps: np.ndarray, order: int, border: str, fill: float) -> np.ndarray:
    """Nearest values (order 0) or bilinear ones (1), all pictures at once."""
    n, channels, height, width = pictures.shape
    row = width + 3
    plane = (height + 3) * row
    dtype = pictures.dtype if plane < 2**24 else np.dtype(np.float64)  # index is made of floats, which must hold it
    linear, shift = (part.astype(dtype) for part in _inverses(maps))
    y = np.arange(height, dtype=dtype)[:, None] - dtype.type((height - 1) / 2)
    x = np.arange(width, dtype=dtype) - dtype.type((width - 1) / 2)
    whole, rest = [], []
    for k, size in enumerate((height, width)):
        start = shift[:, k] + dtype.type((size - 1) / 2)
        s = linear[:, k, 1, None, None] * x + start[:, None, None]
        s = s + linear[:, k, 0, None, None] * y
        s = _fold(s, size, border)
        s += 1.0 if order else 1.5  # padding, and to the nearest
        whole.append(np.floor(s))
        s -= whole[k]
        rest.append(s)
    index = (whole[0] * dtype.type(row) + whole[1]).astype(np.intp)
    index += (np.arange(n) * (channels * plane))[:, None, None]
    source = _padded(pictures, border, fill)
    values = source.ravel()
    out = np.empty_like(pictures)
    if order == 0:
        for c in range(channels):
            out[:, c] = values[c * plane :].take(index)
        return out
    dy, dx = rest
    for c in range(channels):
        corner = values[c * plane :]
        upper, right = corner.take(index), corner[1:].take(index)
        lower, across = corner[row:].take(index), corner[row + 1 :].take(index)
        right -= upper
        right *= dx
        upper += right
        across -= lower
        across *= dx
        lower += across
        lower -= upper
        lower *= dy
        np.add(upper, lower, out=out[:, c])
    return out


def _splines(pictures: np.ndarray, maps: np.ndarray, order: int, border: str, fill: float) -> np.ndarray:
    """Splines of higher order, which scipy has, picture by picture."""
    try:
        from scipy import ndimage
    except ImportError:
        raise ImportError(f"Compose(): order={order} needs scipy, which is not installed: pip install scipy") from None
    middle = (np.array(pictures.shape[2:]) - 1) / 2
    out = np.empty_like(pictures)
    for picture, result, linear, shift in zip(pictures, out, *_inverses(maps), strict=True):
        offset = middle + shift - linear @ middle
        for channel, target in zip(picture, result, strict=True):
            ndimage.affine_transform(
                channel, linear, offset, output=target, order=order, mode=BORDERS[border], cval=fill
            )
    return out


def resample(pictures: np.ndarray, maps: np.ndarray, order: int, border: str, fill: float) -> np.ndarray:
    """Move the points of pictures.

    Parameters
    ----------
    pictures : ndarray
        float32 or float64, shape (n, channels, height, width).
    maps : ndarray
        Where points (y, x, 1) go, with the origin in the middle of the picture; float64, shape (n, 3, 3).
    order : int
        Of the interpolation: 0 nearest, 1 linear, 2 to 5 splines.
    border : str
        What is outside: ``"constant"``, ``"nearest"`` or ``"reflect"``.
    fill : float
        The constant.

    Returns
    -------
    ndarray
        Like `pictures`; pictures with the identity have their values.
    """
    kernel = _gathered if order < 2 else _splines
    moved = (maps != np.eye(3)).any((1, 2))
    if moved.all():
        return kernel(pictures, maps, order, border, fill)
    out = np.array(pictures)
    if moved.any():
        out[moved] = kernel(pictures[moved], maps[moved], order, border, fill)
    return out

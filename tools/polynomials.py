"""Compute the polynomial coefficients of csrc/fastgrad/vecmath.hpp and csrc/fastgrad/normal.hpp.

Run ``python -m tools.polynomials`` (needs mpmath). Each function is approximated at Chebyshev
nodes in 60-digit arithmetic, which is within a factor of two of the minimax error; the printed
bound is the largest error found on a fine grid, relative to the function that uses the polynomial.
"""

from __future__ import annotations

from collections.abc import Callable

import mpmath as mp

mp.mp.dps = 60
HALF_LN2 = mp.log(2) / 2


def exp_tail(r: mp.mpf) -> mp.mpf:
    """q in expm1(r) = r + r^2 q(r)."""
    if abs(r) < mp.mpf("1e-12"):
        return mp.mpf(1) / 2 + r / 6
    return (mp.expm1(r) - r) / r**2


def log_tail(z: mp.mpf) -> mp.mpf:
    """p in log(1 + f) = 2 artanh(s) = 2s + s z p(z), with s = f / (2 + f) and z = s^2."""
    if z < mp.mpf("1e-14"):
        return mp.mpf(2) / 3 + 2 * z / 5
    s = mp.sqrt(z)
    return (2 * mp.atanh(s) - 2 * s) / (s * z)


def erfc_scaled(t: mp.mpf) -> mp.mpf:
    """g in erfc(a) = exp(-a^2) g(t) / (1 + 2 a), with t = (a - 2) / (a + 2), a >= 0."""
    a = 2 * (1 + t) / (1 - t)
    return (1 + 2 * a) * mp.exp(a * a) * mp.erfc(a)


def scaled_normal(a: mp.mpf) -> mp.mpf:
    """exp(a^2 / 2) Phi(-a)."""
    return mp.exp(a * a / 2) * mp.erfc(a / mp.sqrt(2)) / 2


def normal_tail(t: mp.mpf) -> mp.mpf:
    """g in Phi(-a) = exp(-a^2 / 2) g(t) / (a + 4), with t = (a - 4) / (a + 4), a >= 0."""
    a = 4 * (1 + t) / (1 - t)
    return (a + 4) * scaled_normal(a)


def normal_slope(a: mp.mpf) -> mp.mpf:
    """exp(a^2 / 2) (Phi(-a) - a phi(a))."""
    return scaled_normal(a) - a / mp.sqrt(2 * mp.pi)


SLOPE_ROOT = mp.findroot(normal_slope, mp.mpf("0.75"))


def normal_slope_tail(t: mp.mpf) -> mp.mpf:
    """h in Phi(-a) - a phi(a) = exp(-a^2 / 2) (root - a) h(t), t as above."""
    a = 4 * (1 + t) / (1 - t)
    if abs(a - SLOPE_ROOT) < mp.mpf("1e-20"):
        a = SLOPE_ROOT + mp.mpf("1e-20")
    return normal_slope(a) / (SLOPE_ROOT - a)


FITS: list[tuple[str, Callable, tuple, int, Callable]] = [
    # name, function, interval, degree, weight of an error in the result
    ("exp_tail<float>", exp_tail, (-HALF_LN2 * 1.01, HALF_LN2 * 1.01), 4, lambda r: abs(r)),
    ("exp_tail<double>", exp_tail, (-HALF_LN2 * 1.01, HALF_LN2 * 1.01), 10, lambda r: abs(r)),
    ("log_tail<float>", log_tail, (mp.mpf(0), mp.mpf("0.0297")), 3, lambda z: z / 2),
    ("log_tail<double>", log_tail, (mp.mpf(0), mp.mpf("0.0297")), 7, lambda z: z / 2),
    ("artanh_tail<float>", log_tail, (mp.mpf(0), mp.mpf(1) / 9), 4, lambda z: z / 2),
    ("artanh_tail<double>", log_tail, (mp.mpf(0), mp.mpf(1) / 9), 10, lambda z: z / 2),
    ("normal_tail<float>", normal_tail, (mp.mpf(-1), mp.mpf(11) / 19), 9, lambda t: mp.mpf(1)),
    ("normal_slope_tail<float>", normal_slope_tail, (mp.mpf(-1), mp.mpf(11) / 19), 9, lambda t: mp.mpf(1)),
    ("erfc_scaled", erfc_scaled, (mp.mpf(-1), mp.mpf(26) / 30), 24, lambda t: mp.mpf(1)),
]


def fit(f: Callable, interval: tuple, degree: int) -> list[mp.mpf]:
    """Coefficients, lowest power first."""
    return list(reversed(mp.chebyfit(f, list(interval), degree + 1)))


def main() -> None:
    for name, f, interval, degree, weight in FITS:
        coefficients = fit(f, interval, degree)
        low, high = interval
        grid = [low + (high - low) * i / 400 for i in range(401)]
        error = max(
            abs(mp.polyval(list(reversed(coefficients)), x) - f(x)) * weight(x) / abs(f(x)) for x in grid
        )
        digits = 10 if "float" in name else 18
        print(f"// {name}: degree {degree}, relative error {mp.nstr(error, 2)}")
        print("{" + ", ".join(mp.nstr(c, digits) for c in coefficients) + "}\n")


if __name__ == "__main__":
    main()

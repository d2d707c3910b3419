"""How fastgrad words its errors: function, argument, what was given, what was expected."""

from __future__ import annotations


def _message(function: str, argument: str, given: object, expected: str) -> str:
    return f"{function}(): argument '{argument}' is {given}, expected {expected}"


def bad_value(function: str, argument: str, given: object, expected: str) -> ValueError:
    """A shape, range or name that cannot be used.

    >>> str(bad_value("linear", "x", "of shape (3, 4)", "shape (*, 5)"))
    "linear(): argument 'x' is of shape (3, 4), expected shape (*, 5)"
    """
    return ValueError(_message(function, argument, given, expected))


def bad_type(function: str, argument: str, given: object, expected: str) -> TypeError:
    """A type or dtype that cannot be used."""
    return TypeError(_message(function, argument, given, expected))


def bad_index(function: str, argument: str, given: object, expected: str) -> IndexError:
    """An index outside the thing it points into."""
    return IndexError(_message(function, argument, given, expected))


def bad_device(function: str, argument: str, given: object, expected: str) -> RuntimeError:
    """A tensor on another device than those it is to meet."""
    return RuntimeError(_message(function, argument, f"on {given}", expected + "; .to() moves a tensor"))

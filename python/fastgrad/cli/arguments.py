"""The arguments of the command line, parsed and checked."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn, TypeVar

import fastgrad
from fastgrad.cli.errors import UserError
from fastgrad.cli.settings import Settings

__all__ = ["build_parser", "settings_from"]

Number = TypeVar("Number", int, float)

COMPARE = """\
Train one multilayer perceptron with fastgrad, whose step is recorded once and then run natively, and,
where it is installed, with torch: from the same initial weights, on the same batches in the same order.
Prints loss and test accuracy of every epoch, the time per step of both, and how far their weights are
apart after the first epoch. Without --data the network learns the handwritten digits that come with
scikit-learn."""

EXAMPLES = """\
examples:
  fastgrad compare
  fastgrad compare --hidden 256,128 --activation elu --plot digits.png --json digits.json
  fastgrad compare --data iris.csv --target species --epochs 100
"""


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line instead of repeating the whole usage."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: error: {' '.join(message.splitlines())} (see {self.prog} --help)\n")


class _Help(argparse.ArgumentDefaultsHelpFormatter, argparse.RawDescriptionHelpFormatter):
    """Defaults where there is one to show, and the examples as they are written."""

    def _get_help_string(self, action: argparse.Action) -> str | None:
        return action.help if action.default is None else super()._get_help_string(action)


def _number(
    kind: Callable[[str], Number], fits: Callable[[Number], bool], expected: str
) -> Callable[[str], Number]:
    def parse(text: str) -> Number:
        try:
            value = kind(text)
        except ValueError:
            value = None
        if value is None or not math.isfinite(value) or not fits(value):
            raise argparse.ArgumentTypeError(f"{text!r} is not {expected}")
        return value

    return parse


_count = _number(int, lambda value: value >= 1, "a whole number of at least 1")
_rate = _number(float, lambda value: value > 0, "a number above 0")
_penalty = _number(float, lambda value: value >= 0, "a number of at least 0")
_fraction = _number(float, lambda value: 0 <= value < 1, "a number from 0 to below 1")
_seed = _number(int, lambda value: 0 <= value < 2**63, "a whole number of at least 0")


def _widths(text: str) -> tuple[int, ...]:
    if text == "none":
        return ()
    try:
        widths = tuple(int(part) for part in text.split(","))
    except ValueError:
        widths = (0,)
    if min(widths) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a list of widths such as 100,100 (or none)")
    return widths


def build_parser() -> argparse.ArgumentParser:
    """Build the parser of ``fastgrad``, with its commands ``compare`` and ``doctor``."""
    default = Settings()
    parser = _Parser(
        prog="fastgrad",
        description="Compiled automatic differentiation for small and medium multilayer perceptrons.",
    )
    parser.add_argument("--version", action="version", version=f"fastgrad {fastgrad.__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    compare = commands.add_parser(
        "compare", help="train a network beside torch and compare", description=COMPARE, epilog=EXAMPLES,
        formatter_class=_Help,
    )  # fmt: skip
    commands.add_parser(
        "doctor",
        help="say what is installed, built and chosen",
        description="Print what is installed, built and chosen here, and what would make it faster.",
    )

    network = compare.add_argument_group("network")
    hidden = ",".join(map(str, default.hidden))
    network.add_argument("--hidden", type=_widths, metavar="N,N,…", default=hidden,
                         help="widths of the hidden layers; none for a linear classifier")  # fmt: skip
    network.add_argument("--activation", metavar="NAME", default=default.activation,
                         help="relu, tanh, sigmoid, elu, gelu, prelu, … (any of the library's)")  # fmt: skip
    network.add_argument(
        "--dtype", choices=("float32", "float64"), default=default.dtype, help="of everything"
    )

    training = compare.add_argument_group("training")
    add = training.add_argument
    add("--epochs", type=_count, metavar="N", default=default.epochs, help="passes over the training rows")
    add("--batch-size", type=_count, metavar="N", default=default.batch_size, help="rows in a step")
    add("--lr", type=_rate, metavar="X", default=default.lr, help="learning rate")
    add("--momentum", type=_fraction, metavar="X", default=default.momentum, help="of the gradient descent")
    add("--l1", type=_penalty, metavar="X", default=default.l1, help="adds X * sign(w) to every gradient")
    add("--l2", type=_penalty, metavar="X", default=default.l2, help="adds X * w to every gradient")
    add("--seed", type=_seed, metavar="N", default=default.seed, help="of split, weights and batches")
    add("--threads", type=_count, metavar="N", help="of both libraries (default: all this process may use)")
    add(
        "--no-torch",
        action="store_false",
        dest="torch",
        default=argparse.SUPPRESS,
        help="train fastgrad alone",
    )

    data = compare.add_argument_group("data")
    data.add_argument("--data", type=Path, metavar="FILE", help="your own table: FILE.csv with a header, "
                      "or FILE.npz with the arrays X (rows, features) and y (rows,)")  # fmt: skip
    data.add_argument("--target", metavar="NAME", help="the column (csv) or array (npz) with the class "
                      "labels; for npz y if not given")  # fmt: skip

    output = compare.add_argument_group("output")
    output.add_argument("--plot", type=Path, metavar="FILE", help="write loss, accuracy and time as a "
                        "picture (.png, .svg or .pdf)")  # fmt: skip
    output.add_argument("--json", type=Path, metavar="FILE", help="write the figures")
    return parser


def settings_from(options: argparse.Namespace) -> Settings:
    """Turn the parsed options of ``compare`` into settings.

    Raises
    ------
    UserError
        If options contradict each other.
    """
    values = {name: value for name, value in vars(options).items() if name != "command"}
    settings = Settings(**values)
    if settings.target is not None and settings.data is None:
        raise UserError("--target: there is no --data to take it from")
    if (
        settings.plot is not None
        and settings.json is not None
        and settings.plot.resolve() == settings.json.resolve()
    ):
        raise UserError(f"--plot and --json: both name {settings.plot}")
    return settings

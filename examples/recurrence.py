"""Recurrence: the gradient of a shared weight is a sum over time, whose early terms vanish or arrive.

The lecture: a recurrent network uses the same weights at every time step, so dL/dw = sum over t = 1..N of
dL/df_t · df_t/dw.

What to see: give every step a copy of the recurrent weight of its own, and the copies' gradients are the terms; their
sum is the gradient that the tape computes for the shared one. Going back in time is going down through layers: with
small random weights the terms of early steps vanish, and it takes long until the network can learn what happened then.
With the identity as recurrent weight and ReLU they arrive, and the network learns from the start.
"""

from __future__ import annotations

import copy
from typing import Any

import numpy as np

import fastgrad as fg
import fastgrad.nn.functional as F
from examples.command import run_alone
from examples.common import Options, Result, Table
from examples.style import COLOURS, INK, picture
from fastgrad import nn

STEPS, HIDDEN, BATCH = 50, 32, 50
KINDS = {  # name: (activation, how the recurrent weight starts; None: as nn.RNN does it, uniform on ±1/√32)
    "tanh, U(±1/√32)": ("tanh", None),
    "ReLU, U(±1/√32)": ("relu", None),
    "ReLU, identity": ("relu", nn.init.eye_),
}
LOOKS = dict(zip(KINDS, ({"color": COLOURS[0]}, {"color": COLOURS[2]}, {"color": COLOURS[1]}), strict=True))
GUESS = 1 / 6  # the error of always answering 1: the variance of a sum of two numbers from 0 to 1


class Adder(nn.Module):
    """A recurrent network that answers after the last step."""

    def __init__(self, activation: str, draw: Any) -> None:
        super().__init__()
        self.rnn = nn.RNN(2, HIDDEN, nonlinearity=activation, batch_first=True)
        self.answer = nn.Linear(HIDDEN, 1)
        if draw is not None:
            draw(self.rnn.weight_hh_l0)
            nn.init.zeros_(self.rnn.bias_ih_l0)
            nn.init.zeros_(self.rnn.bias_hh_l0)

    def forward(self, x: fg.Tensor) -> fg.Tensor:
        states, _ = self.rnn(x)
        return self.answer(states[:, -1])[:, 0]


def run(options: Options) -> Result:
    count, epochs, repetitions = (4000, 4, 1) if options.quick else (7000, 20, 3)
    found: dict[str, Any] = {name: {"errors": []} for name in KINDS}
    for seed in range(options.seed + repetitions - 1, options.seed - 1, -1):  # what is kept are the first seed's
        data, test = adding_problem(count, seed), adding_problem(1000, seed + 1_000_000)
        for name, kind in KINDS.items():
            fg.manual_seed(seed)
            net = Adder(*kind)
            found[name] |= sum_over_time(net, test)
            found[name]["before"] = gradients_over_time(net, test)
            found[name]["errors"].append(train(net, data, test, epochs))
            found[name]["after"] = gradients_over_time(net, test)
            with fg.no_grad():
                found[name]["answers"] = net(test[0]).numpy()

    path = options.output / "recurrence.png"
    title = "dL/dw is a sum over time; where its early terms vanish, what happened early is learned late"
    with picture(path, title, rows=2, columns=2, size=(11.5, 8)) as (_, axes):
        draw_terms(axes[0, 0], found)
        draw_gradients(axes[0, 1], found)
        draw_errors(axes[1, 0], found)
        draw_answers(axes[1, 1], found, test[1].numpy())
    return Result(path, tables(found, test[1].numpy(), epochs), found)


def adding_problem(count: int, seed: int) -> tuple[fg.Tensor, fg.Tensor]:
    """Sequences of numbers from 0 to 1, two of which are marked: what is their sum?

    The first mark lies in the first half. Shapes: x (count, STEPS, 2), the number and its mark; y (count,).
    Source: Hochreiter and Schmidhuber 1997, "Long short-term memory".
    """
    generator = np.random.default_rng(seed)
    x = np.zeros((count, STEPS, 2), np.float32)
    x[:, :, 0] = generator.random((count, STEPS))
    rows = np.arange(count)
    x[rows, generator.integers(0, STEPS // 2, count), 1] = 1
    x[rows, generator.integers(STEPS // 2, STEPS, count), 1] = 1
    return fg.tensor(x), fg.tensor((x[:, :, 0] * x[:, :, 1]).sum(1))


def unroll(net: Adder, x: fg.Tensor, weights: list[fg.Tensor]) -> tuple[list[fg.Tensor], fg.Tensor]:
    """The same network written out, with a recurrent weight per step: the states at all steps, and the answer."""
    rnn = net.rnn
    activation = {"tanh": F.tanh, "relu": F.relu}[rnn.nonlinearity]
    h, states = fg.zeros(len(x), HIDDEN, dtype=x.dtype), []
    for t, w in enumerate(weights):
        z = F.linear(x[:, t], rnn.weight_ih_l0, rnn.bias_ih_l0) + F.linear(h, w, rnn.bias_hh_l0)
        h = activation(z)
        states.append(h)
    return states, net.answer(h)[:, 0]


def sum_over_time(net: Adder, data: tuple[fg.Tensor, fg.Tensor]) -> dict[str, Any]:
    """The terms dL/df_t · df_t/dw, and how far their sum is from the gradient of the shared weight; in float64."""
    net = copy.deepcopy(net).double()
    x, y = data[0][:BATCH].double(), data[1][:BATCH].double()
    shared = net.rnn.weight_hh_l0
    copies = [shared.detach().clone().requires_grad_() for _ in range(STEPS)]
    terms = fg.autograd.grad(F.mse_loss(unroll(net, x, copies)[1], y), copies)
    total = np.sum([term.numpy() for term in terms], axis=0)
    (written_out,) = fg.autograd.grad(F.mse_loss(unroll(net, x, [shared] * STEPS)[1], y), [shared])
    (built_in,) = fg.autograd.grad(F.mse_loss(net(x), y), [shared])
    size = np.abs(total).max()
    return {
        "terms": [float(np.linalg.norm(term.numpy())) for term in terms],
        "apart": float(np.abs(total - written_out.numpy()).max() / size),
        "apart from nn.RNN": float(np.abs(total - built_in.numpy()).max() / size),
    }


def gradients_over_time(net: Adder, data: tuple[fg.Tensor, fg.Tensor]) -> np.ndarray:
    """Mean |dL/dh_t| of the state at every step."""
    x, y = data[0][:BATCH], data[1][:BATCH]
    states, answer = unroll(net, x, [net.rnn.weight_hh_l0] * STEPS)
    gradients = fg.autograd.grad(F.mse_loss(answer, y), states)
    return np.array([abs(gradient).mean().item() for gradient in gradients])


def per_step(gradients: np.ndarray) -> float:
    """By what a gradient is multiplied from one step to the one before it, on average."""
    return float((gradients[0] / gradients[-1]) ** (1 / (len(gradients) - 1)))


def train(
    net: Adder, data: tuple[fg.Tensor, fg.Tensor], test: tuple[fg.Tensor, fg.Tensor], epochs: int
) -> list[float]:
    """Mean squared error on the test sequences, before and after every epoch."""
    optimizer = fg.optim.Adam(net.parameters(), lr=1e-3)
    scheduler = fg.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs)

    @fg.compile
    def step(x: fg.Tensor, y: fg.Tensor) -> fg.Tensor:
        loss = F.mse_loss(net(x), y)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)  # against explosion
        optimizer.step()
        return loss

    def error() -> float:
        with fg.no_grad():
            return F.mse_loss(net(test[0]), test[1]).item()

    errors = [error()]
    for _ in range(epochs):
        step.run_epoch(data, fg.randperm(len(data[0])), batch_size=BATCH)
        scheduler.step()
        errors.append(error())
    return errors


def learned_after(errors: list[float]) -> int | None:
    """The first epoch after which the error is below half of that of guessing; None if there is none."""
    return next((epoch for epoch, error in enumerate(errors) if error < GUESS / 2), None)


def tables(found: dict[str, Any], y: np.ndarray, epochs: int) -> list[Table]:
    sums, learned = [], []
    for name, one in found.items():
        before, errors = one["before"], np.mean(one["errors"], axis=0)
        sums.append((name, f"{one['apart']:.1e}", f"{one['apart from nn.RNN']:.1e}", f"{per_step(before):.2f}",
                     f"{before[0] / before[-1]:.1e}"))  # fmt: skip
        when = ", ".join(str(learned_after(run) or f"> {epochs}") for run in one["errors"])
        right = 100 * (np.abs(one["answers"] - y) < 0.1).mean()
        learned.append((name, *(f"{errors[epoch]:.4f}" for epoch in (0, epochs // 4, epochs)), when, f"{right:.0f} %"))
    return [
        Table(
            f"The sum over {STEPS} steps, and how gradients go back in time (before training)",
            ("network", "sum − dL/dw", "sum − nn.RNN's", "|dL/dh| per step", "first step / last"),
            sums,
        ),
        Table(
            f"The adding problem: mean squared error on unseen sequences (always answering 1: {GUESS:.4f})",
            ("network", "at first", f"epoch {epochs // 4}", f"epoch {epochs}", "epochs to halve guessing",
             "answers within 0.1"),
            learned,
        ),
    ]  # fmt: skip


def draw_terms(axes: Any, found: dict[str, Any]) -> None:
    for name, one in found.items():
        terms = np.array(one["terms"])
        axes.plot(np.arange(2, STEPS + 1), terms[1:] / terms.max(), marker="o", markersize=3, label=name, **LOOKS[name])
    axes.set_yscale("log")
    axes.set_ylim(1e-10, 3)
    axes.set_xlabel("time step t")
    axes.set_ylabel("|dL/df_t · df_t/dw| / largest")
    axes.set_title("The terms whose sum is dL/dw, before training")
    axes.legend(loc="lower right")


def draw_gradients(axes: Any, found: dict[str, Any]) -> None:
    back = np.arange(STEPS)
    for name, one in found.items():
        axes.plot(back, one["before"][::-1], **LOOKS[name])
        axes.plot(back, one["after"][::-1], ls="--", **LOOKS[name])
    axes.plot([], [], color=INK, label="before training")
    axes.plot([], [], color=INK, ls="--", label="after training")
    axes.set_yscale("log")
    axes.set_ylim(bottom=1e-12)
    axes.set_xlabel("time steps back from the last")
    axes.set_ylabel("mean |dL/dh|")
    axes.set_title("The gradient on its way back in time")
    axes.legend(loc="lower left")


def draw_errors(axes: Any, found: dict[str, Any]) -> None:
    for name, one in found.items():
        for again, errors in enumerate(one["errors"]):
            axes.plot(errors, label="" if again else name, marker="o", markersize=3, lw=1.2, **LOOKS[name])
    axes.axhline(GUESS, color=INK, lw=0.8, ls=(0, (1, 2)))
    axes.text(axes.get_xlim()[1], GUESS * 1.1, "always answering 1", ha="right", va="bottom", fontsize=9)
    axes.set_yscale("log")
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.set_xlabel("epochs of Adam (learning rate from 0.001 to 0)")
    axes.set_ylabel("mean squared error, unseen sequences")
    axes.set_title(f"The adding problem, {STEPS} steps: each line a network")
    axes.legend(loc="lower left")


def draw_answers(axes: Any, found: dict[str, Any], y: np.ndarray) -> None:
    for name, one in found.items():
        axes.plot(y, one["answers"], ls="none", marker=".", markersize=3, alpha=0.6, label=name, **LOOKS[name])
    axes.plot([0, 2], [0, 2], color=INK, lw=0.8)
    axes.set_xlabel("sum of the two marked numbers")
    axes.set_ylabel("the network's answer")
    axes.set_title("1000 unseen sequences, after training")
    axes.legend(loc="upper left", markerscale=4)


if __name__ == "__main__":
    raise SystemExit(run_alone(__file__))

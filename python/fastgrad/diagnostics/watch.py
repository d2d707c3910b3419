"""watch: hooks that see every n-th step of a network, and are off in between."""

from __future__ import annotations

import weakref
from typing import Any, NamedTuple

import numpy as np

from fastgrad.autograd.mode import state
from fastgrad.autograd.node import Node
from fastgrad.diagnostics.layers import Watched, find_layers
from fastgrad.diagnostics.record import Record
from fastgrad.errors import bad_type, bad_value
from fastgrad.nn.activation_module import ActivationModule
from fastgrad.nn.functional.arguments import check_int
from fastgrad.nn.module import Module
from fastgrad.optim.optimizer import Optimizer
from fastgrad.program.ir import leaves
from fastgrad.program.observe import observe
from fastgrad.tensor import Tensor

__all__ = ["Watcher", "watch"]

_watched: weakref.WeakSet[Any] = weakref.WeakSet()  # the modules


def watch(
    net: Module,
    optimizer: Optimizer | None = None,
    every: int = 10,
    *,
    layers: Any = None,
    bins: int = 20,
) -> Record:
    """Collect what the layers of a network do in every n-th step of its training.

    Parameters
    ----------
    net : Module
        The network.
    optimizer : Optimizer, optional
        Whoever trains it: a step ends with its ``step()``. Without one, call ``record.step()`` where a step ends.
    every : int
        Steps 0, `every`, 2 · `every`, … are observed.
    layers : list of str, optional
        The names of the modules to be watched, as in ``net.named_modules()``. By default those that have parameters
        of their own, and activations.
    bins : int
        Bins of the histograms.

    Returns
    -------
    Record
        It fills while the network is trained. ``record.detach()``, or the end of ``with watch(...) as record:``, stops
        that.

    Raises
    ------
    TypeError
        If an argument is of the wrong type.
    ValueError
        If `layers` names a module that is not there, there is no layer, or a number is below 1.
    RuntimeError
        If a layer is being watched already.

    Notes
    -----
    Calls in training mode and with gradients on count, all of a step together. A recorded step has two programs, one
    that observes and one that does not. Weights become the same bits as without.

    Examples
    --------
    >>> import fastgrad as fg
    >>> import fastgrad.nn.functional as F
    >>> net = fg.nn.Sequential(fg.nn.Linear(4, 8), fg.nn.Sigmoid(), fg.nn.Linear(8, 3))
    >>> opt = fg.optim.SGD(net.parameters(), lr=0.1)
    >>> record = fg.diagnostics.watch(net, opt, every=5)
    >>> x, y = fg.randn(16, 4), fg.randint(3, (16,))
    >>> for _ in range(11):
    ...     loss = F.cross_entropy(net(x), y)
    ...     opt.zero_grad()
    ...     loss.backward()
    ...     opt.step()
    >>> record.steps
    [0, 5, 10]
    >>> list(record.layers)
    ['0', '2']
    >>> record["0"].activation_mean.shape
    (3,)
    >>> record.detach()
    """
    if not isinstance(net, Module):
        raise bad_type("watch", "net", f"a {type(net).__name__}", "a Module")
    if optimizer is not None and not isinstance(optimizer, Optimizer):
        raise bad_type("watch", "optimizer", f"a {type(optimizer).__name__}", "an Optimizer or None")
    every, bins = check_int("watch", "every", every), check_int("watch", "bins", bins)
    for argument, number in (("every", every), ("bins", bins)):
        if number < 1:
            raise bad_value("watch", argument, number, "at least 1")
    found = find_layers(net, layers)
    for name, module in found.items():
        if module in _watched:
            raise RuntimeError(f"watch(): layer {name!r} is watched already, expected detach() of that record first")
    watcher = Watcher(net, optimizer, every, found, bins)
    return watcher.record


class _Waiting(NamedTuple):
    """A call whose result an activation may follow, which then belongs to it."""

    watched: Watched
    module: Module
    y: Tensor
    hook: Any  # on the gradient of y


class Watcher:
    """The hooks on a network and on its optimiser, and who switches them."""

    def __init__(
        self, net: Module, optimizer: Optimizer | None, every: int, found: dict[str, Module], bins: int
    ) -> None:
        self._net = weakref.ref(net)
        self._modules = list(found.values())
        self._layers = [Watched(name, module, bins) for name, module in found.items()]
        self.record = Record({each.layer.name: each.layer for each in self._layers}, every, self)
        self._every = every
        self._has_activations = any(isinstance(module, ActivationModule) for module in net.modules())
        self._waiting: _Waiting | None = None
        self._number = 0  # of the step that goes on
        self._is_on = True
        _watched.update(self._modules)
        self._hooks = [
            module.register_forward_hook(_Forward(self, watched))
            for module, watched in zip(self._modules, self._layers, strict=True)
        ]
        self._hooks.append(net.register_forward_hook(_End(self)))
        self._optimizer_hook: Any = None
        if optimizer is not None:
            self._optimizer_hook = optimizer.register_step_post_hook(lambda *_: self._end_step())

    # What hooks do: in a recorded step, while it is recorded

    def forward(self, watched: Watched, module: Module, args: tuple[Any, ...], output: Any) -> None:
        """A layer was called."""
        waiting = self._waiting
        y = next((x for x in leaves(output) if isinstance(x, Tensor) and x.is_floating_point()), None)
        if y is None or not self._is_training():
            self.settle()
        elif waiting is not None and isinstance(module, ActivationModule) and args and args[0] is waiting.y:
            self._waiting = None
            if waiting.hook is not None:
                waiting.hook.remove()
            self._watch_gradient(waiting.watched, y)
            self._see(waiting.watched, waiting.module, module, y)
        else:
            self.settle()
            hook = self._watch_gradient(watched, y)
            if self._has_activations and not isinstance(module, ActivationModule):
                self._waiting = _Waiting(watched, module, y, hook)
            else:
                self._see(watched, module, None, y)

    def _is_training(self) -> bool:
        """Whether the call counts: by the mode of the whole network, of which parts may be set to evaluation."""
        net = self._net()
        if state.recorder is not None and net is not None:
            state.recorder.called(net)  # a recorded step goes by that mode
        return state.enabled and net is not None and net.training

    def settle(self) -> None:
        """No activation has followed the last call."""
        waiting, self._waiting = self._waiting, None
        if waiting is not None:
            self._see(waiting.watched, waiting.module, None, waiting.y)

    def _see(self, watched: Watched, module: Module, activation: Module | None, y: Tensor) -> None:
        watched.settle(module, activation)
        observe(watched.see_activations, y.data, *[p.data for p in watched.parameters])

    def _watch_gradient(self, watched: Watched, y: Tensor) -> Any:
        if not isinstance(y.node, Node):
            return None

        def see(dy: Tensor) -> None:
            self.settle()
            observe(watched.see_gradient, dy.data)

        return y.register_hook(see)

    def step(self) -> None:
        """A step ends, says the user."""
        if self._optimizer_hook is not None:
            raise RuntimeError("step(): the record has an optimizer, whose step() ends a step, expected no other end")
        self._end_step()

    def _end_step(self) -> None:
        self.settle()
        if not self._hooks:
            return
        if not self._is_on:
            observe(self._next_step)
            return
        weights = [[p.data for p in each.parameters] for each in self._layers]
        grads = [[p.grad.data for p in each.parameters if p.grad is not None] for each in self._layers]
        counts = [(len(w), len(dw)) for w, dw in zip(weights, grads, strict=True)]

        def see_end(*arrays: np.ndarray) -> None:
            rest = iter(arrays)
            for each, (n, n_grads) in zip(self._layers, counts, strict=True):
                each.finish([next(rest) for _ in range(n)], [next(rest) for _ in range(n_grads)])
            self.record.steps.append(self._number)
            self._next_step()

        observe(see_end, *[x for w, dw in zip(weights, grads, strict=True) for x in (*w, *dw)])

    # What happens in every run

    def _next_step(self) -> None:
        self._number += 1
        on = self._number % self._every == 0
        if on is not self._is_on:
            self._is_on = on
            for hook in self._hooks:
                (hook.resume if on else hook.pause)()

    def detach(self) -> None:
        """Take all hooks off."""
        for hook in self._hooks:
            hook.remove()
        if self._optimizer_hook is not None:
            self._optimizer_hook.remove()
        if self._hooks:
            _watched.difference_update(self._modules)
        self._hooks, self._modules, self._layers, self._waiting = [], [], [], None


def _not_watched(*_: Any) -> None:
    """What a copy of a watched module has instead of a hook."""


def _hook_of_copy() -> Any:
    return _not_watched


class _Forward:
    """The hook of a layer."""

    def __init__(self, watcher: Watcher, watched: Watched) -> None:
        self._watcher = watcher
        self._watched = watched

    def __call__(self, module: Module, args: tuple[Any, ...], output: Any) -> None:
        self._watcher.forward(self._watched, module, args, output)

    def __reduce__(self) -> tuple[Any, ...]:
        return _hook_of_copy, ()


class _End:
    """The hook of the network: where it ends, nothing follows the last layer."""

    def __init__(self, watcher: Watcher) -> None:
        self._watcher = watcher

    def __call__(self, module: Module, args: tuple[Any, ...], output: Any) -> None:
        self._watcher.settle()

    def __reduce__(self) -> tuple[Any, ...]:
        return _hook_of_copy, ()

"""Module: the base class of every layer and network."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from fastgrad.backend import native
from fastgrad.devices import move
from fastgrad.dtypes import float32, float64
from fastgrad.errors import bad_type
from fastgrad.nn import hooks, state
from fastgrad.nn.tree import Tree
from fastgrad.ops.convert import targets
from fastgrad.tensor import Tensor

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["Module"]


class Module(Tree):
    """A part of a network: parameters, buffers, submodules and a ``forward``.

    A subclass calls ``super().__init__()``, assigns its parameters and submodules as attributes and defines
    ``forward``; calling the module runs ``forward`` with the hooks around it.

    Attributes
    ----------
    training : bool
        Whether modules that behave differently while training (dropout, batch normalisation) do so.

    Notes
    -----
    Source: ``torch.nn.Module``.

    Examples
    --------
    >>> import fastgrad as fg
    >>> class Net(fg.nn.Module):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.hidden = fg.nn.Linear(4, 3)
    ...         self.out = fg.nn.Linear(3, 2)
    ...     def forward(self, x):
    ...         return self.out(self.hidden(x).tanh())
    >>> net = Net()
    >>> net(fg.zeros(5, 4)).shape
    (5, 2)
    >>> [name for name, _ in net.named_parameters()]
    ['hidden.weight', 'hidden.bias', 'out.weight', 'out.bias']
    """

    _hooks: hooks.Hooks | None = None
    # False as soon as a call is more than the class's own forward: hooks, or a forward set on the instance. An instance
    # has its own, because the interpreter finds it sooner than the class's.
    _direct: bool = True

    def __init__(self) -> None:
        super().__init__()
        self.__dict__["_direct"] = True

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self._direct:
            return self.forward(*args, **kwargs)
        return hooks.call(self, args, kwargs)

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Compute the module's result; every subclass defines its own."""
        raise NotImplementedError(f"{type(self).__name__} does not define forward()")

    def _calls_changed(self) -> None:
        self.__dict__["_direct"] = self._hooks is None and "forward" not in self.__dict__
        native._modules_changed()

    def register_forward_pre_hook(
        self, hook: Callable[..., Any], *, prepend: bool = False, with_kwargs: bool = False
    ) -> hooks.RemovableHandle:
        """Have ``hook(module, args)`` run before every forward.

        Parameters
        ----------
        hook : callable
            Returns None, or what replaces the positional arguments (a value or a tuple).
        prepend : bool
            Whether it runs before the hooks registered so far.
        with_kwargs : bool
            Whether it is called as ``hook(module, args, kwargs)`` and returns None or ``(args, kwargs)``.

        Returns
        -------
        RemovableHandle
            Its ``remove()`` takes the hook off again.
        """
        return hooks.register(self, "forward_pre", hook, prepend, with_kwargs)

    def register_forward_hook(
        self, hook: Callable[..., Any], *, prepend: bool = False, with_kwargs: bool = False
    ) -> hooks.RemovableHandle:
        """Have ``hook(module, args, output)`` run after every forward.

        Parameters
        ----------
        hook : callable
            Returns None, or what replaces the output.
        prepend : bool
            Whether it runs before the hooks registered so far.
        with_kwargs : bool
            Whether it is called as ``hook(module, args, kwargs, output)``.

        Returns
        -------
        RemovableHandle
            Its ``remove()`` takes the hook off again.
        """
        return hooks.register(self, "forward", hook, prepend, with_kwargs)

    def register_full_backward_hook(
        self, hook: Callable[..., Any], prepend: bool = False
    ) -> hooks.RemovableHandle:
        """Have ``hook(module, grad_input, grad_output)`` run when the inputs' gradients are known.

        Parameters
        ----------
        hook : callable
            Receives two tuples of tensors, with None where there is no gradient; returns None, or a tuple
            that replaces `grad_input`.
        prepend : bool
            Whether it runs before the hooks registered so far.

        Returns
        -------
        RemovableHandle
            Its ``remove()`` takes the hook off again.
        """
        return hooks.register(self, "backward", hook, prepend, False)

    def train(self, mode: bool = True) -> Self:
        """Switch this module and all below it to training (`mode` true) or evaluation; return it."""
        if mode not in (True, False):
            raise bad_type("train", "mode", type(mode).__name__, "a bool")
        for module in self.modules():
            if module.training is not mode:
                module.training = mode
        return self

    def eval(self) -> Self:
        """Switch this module and all below it to evaluation; return it."""
        return self.train(False)

    def requires_grad_(self, requires_grad: bool = True) -> Self:
        """Let every parameter require a gradient, or none (to freeze the module); return the module."""
        for parameter in self.parameters():
            parameter.requires_grad_(requires_grad)
        return self

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the parameters' gradients, or with ``set_to_none=False`` fill them with zeros."""
        for parameter in self.parameters():
            if set_to_none:  # without a look: a recorded step would depend on it
                parameter.grad = None
            elif parameter.grad is not None:
                parameter.grad = parameter.grad.detach().zero_()

    def to(self, *args: Any, device: Any = None, dtype: Any = None, non_blocking: bool = False) -> Self:
        """Convert parameters and buffers, or move them, in place.

        Called as ``to(dtype)``, ``to(device)``, ``to(device, dtype)`` or ``to(tensor)``.

        Parameters
        ----------
        device : device or str, optional
            Where to move them.
        dtype : numpy dtype, optional
            float32 or float64, for the floating-point parameters and buffers; their memory order stays.

        Returns
        -------
        Module
            This module.

        Raises
        ------
        TypeError
            If `dtype` is not a floating-point dtype of fastgrad's.
        RuntimeError
            If the device is a GPU and CUDA cannot be used, and why.
        """
        kind, where, _ = targets("to", args, dtype, device)
        if kind is not None and kind.kind != "f":
            raise bad_type("to", "dtype", str(kind), "float32 or float64")
        for tensor in (*self.parameters(), *self.buffers()):
            for each in (tensor, tensor.grad):
                if each is None:
                    continue
                data = each.data
                if kind is not None and data.dtype != kind and data.dtype.kind == "f":
                    data = data.astype(kind, order="K")
                if where is not None:
                    data = move(data, where)
                if data is not each.data:
                    each.data = data
        return self

    def cpu(self) -> Self:
        """Move parameters and buffers to the CPU; return the module."""
        return self.to("cpu")

    def cuda(self, device: Any = None) -> Self:
        """Move parameters and buffers to a GPU, by default the current one; return the module."""
        return self.to("cuda" if device is None else device)

    def float(self) -> Self:
        """Convert floating-point parameters and buffers to float32; return the module."""
        return self.to(float32)

    def double(self) -> Self:
        """Convert floating-point parameters and buffers to float64; return the module."""
        return self.to(float64)

    def state_dict(
        self, *, destination: dict[str, Tensor] | None = None, prefix: str = "", keep_vars: bool = False
    ) -> dict[str, Tensor]:
        """Parameters and persistent buffers by dotted name, sharing memory with the module.

        Parameters
        ----------
        destination : dict, optional
            Where to put them; a new dict by default.
        prefix : str
            Put before every name.
        keep_vars : bool
            Whether the tensors themselves are given instead of detached ones.

        Returns
        -------
        dict
            Keys and shapes are those torch gives the module of the same name.

        Examples
        --------
        >>> import fastgrad as fg
        >>> {name: value.shape for name, value in fg.nn.Linear(3, 2).state_dict().items()}
        {'weight': (2, 3), 'bias': (2,)}
        """
        return state.state_dict(self, destination, prefix, keep_vars)

    def load_state_dict(self, state_dict: Mapping[str, Any], strict: bool = True) -> state.IncompatibleKeys:
        """Copy values into the module's parameters and buffers.

        Parameters
        ----------
        state_dict : mapping
            Tensors or arrays by dotted name. Their dtype is converted, their memory stays their own.
        strict : bool
            Whether missing and unexpected keys are errors.

        Returns
        -------
        IncompatibleKeys
            ``missing_keys`` and ``unexpected_keys``.

        Raises
        ------
        ValueError
            Listing every missing, unexpected and misshapen key; nothing was changed. Misshapen ones are
            errors with ``strict=False`` too.
        TypeError
            If `state_dict` is not a mapping or an array does not hold numbers.
        """
        return state.load_state_dict(self, state_dict, strict)

    def extra_repr(self) -> str:
        """What the representation shows between the parentheses; subclasses override it."""
        return ""

    def __repr__(self) -> str:
        extra = self.extra_repr()
        if extra and not self._modules:
            return f"{type(self).__name__}({extra})"
        lines = extra.splitlines()
        lines += [
            f"({name}): " + repr(module).replace("\n", "\n  ") for name, module in self._modules.items()
        ]
        return f"{type(self).__name__}(" + ("\n  " + "\n  ".join(lines) + "\n" if lines else "") + ")"

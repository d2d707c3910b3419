"""autograd.Function: operations of the user's own."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import pytest

import fastgrad as fg


class Exp(fg.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: fg.Tensor) -> fg.Tensor:
        y = x.exp()
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx: Any, dy: fg.Tensor) -> fg.Tensor:
        (y,) = ctx.saved_tensors
        return dy * y


SEEN: list[tuple[bool, ...]] = []  # needs_input_grad of every backward


class Scale(fg.autograd.Function):
    """Arguments that are no tensors, and needs_input_grad."""

    @staticmethod
    def forward(ctx: Any, x: fg.Tensor, factor: float, w: fg.Tensor) -> fg.Tensor:
        ctx.factor = factor
        ctx.save_for_backward(x, w)
        return x * factor * w

    @staticmethod
    def backward(ctx: Any, dy: fg.Tensor) -> Any:
        SEEN.append(ctx.needs_input_grad)
        x, w = ctx.saved_tensors
        return dy * ctx.factor * w, None, dy * ctx.factor * x if ctx.needs_input_grad[2] else None


class Two(fg.autograd.Function):
    """Several results, one without gradient."""

    @staticmethod
    def forward(ctx: Any, x: fg.Tensor) -> Any:
        index = x.argmax()
        mask = (x > 0).double()
        ctx.mark_non_differentiable(mask)
        return x * 2, x * 3, index, mask

    @staticmethod
    def backward(ctx: Any, da: fg.Tensor, db: fg.Tensor, dindex: Any, dmask: Any) -> fg.Tensor:
        return 2 * da + 3 * db


class NewStyle(fg.autograd.Function):
    @staticmethod
    def forward(x: fg.Tensor) -> fg.Tensor:
        return x * x

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        ctx.save_for_backward(inputs[0])

    @staticmethod
    def backward(ctx: Any, dy: fg.Tensor) -> fg.Tensor:
        return 2 * dy * ctx.saved_tensors[0]


def leaf(*values: float) -> fg.Tensor:
    return fg.tensor(list(values), dtype=fg.float64, requires_grad=True)


def test_value_and_gradient() -> None:
    x = leaf(0.5, 1.0)
    y = Exp.apply(x)
    assert y.grad_fn.name() == "ExpBackward"
    assert fg.autograd.gradcheck(Exp.apply, x)
    assert fg.autograd.gradcheck(NewStyle.apply, x)
    y.sum().backward()
    assert x.grad.tolist() == y.tolist()


def test_forward_is_not_recorded() -> None:
    class Plain(fg.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: fg.Tensor) -> fg.Tensor:
            assert not fg.is_grad_enabled()
            return x * 2

        @staticmethod
        def backward(ctx: Any, dy: fg.Tensor) -> fg.Tensor:
            assert not fg.is_grad_enabled()
            return dy * 2

    x = leaf(1.0)
    y = Plain.apply(x)
    assert y.requires_grad
    y.sum().backward()
    assert x.grad.tolist() == [2.0]
    with fg.no_grad():
        assert not Plain.apply(x).requires_grad
    assert not Plain.apply(x.detach()).requires_grad


def test_other_arguments_and_needs() -> None:
    SEEN.clear()
    x, w = leaf(2.0), leaf(3.0)
    Scale.apply(x, 4.0, w).sum().backward()
    Scale.apply(x, 4.0, w.detach()).sum().backward()
    assert x.grad.tolist() == [24.0]
    assert w.grad.tolist() == [8.0]
    assert SEEN == [(True, False, True), (True, False, False)]
    assert fg.autograd.gradcheck(lambda x, w: Scale.apply(x, 4.0, w), (x, w))


def test_several_results() -> None:
    x = leaf(1.0, -1.0)
    a, b, index, mask = Two.apply(x)
    assert (a.requires_grad, b.requires_grad, index.requires_grad, mask.requires_grad) == (
        True,
        True,
        False,
        False,
    )
    (a + b).sum().backward()
    assert x.grad.tolist() == [5.0, 5.0]
    a = Two.apply(x)[0]  # the other result's gradient is zero
    a.sum().backward()
    assert x.grad.tolist() == [7.0, 7.0]


def test_gradients_that_are_not_materialized() -> None:
    class Lazy(fg.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: fg.Tensor) -> Any:
            ctx.set_materialize_grads(False)
            return x * 1, x * 2

        @staticmethod
        def backward(ctx: Any, da: Any, db: Any) -> Any:
            assert da is None
            return 2 * db

    x = leaf(1.0)
    Lazy.apply(x)[1].sum().backward()
    assert x.grad.tolist() == [2.0]


def test_returned_argument() -> None:
    class Reverse(fg.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: fg.Tensor, scale: float) -> fg.Tensor:
            ctx.scale = scale
            return x.view_as(x)

        @staticmethod
        def backward(ctx: Any, dy: fg.Tensor) -> Any:
            return -ctx.scale * dy, None

    x = leaf(1.0)
    y = Reverse.apply(x, 2.0)
    assert y is not x
    y.sum().backward()
    assert x.grad.tolist() == [-2.0]


def test_mark_dirty() -> None:
    class Double(fg.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: fg.Tensor) -> fg.Tensor:
            x.mul_(2)
            ctx.mark_dirty(x)
            return x

        @staticmethod
        def backward(ctx: Any, dy: fg.Tensor) -> fg.Tensor:
            return 2 * dy

    x = leaf(1.0)
    y = x * 1
    z = Double.apply(y)
    assert z is y
    z.sum().backward()
    assert x.grad.tolist() == [2.0]
    with pytest.raises(RuntimeError, match="leaf"):
        Double.apply(leaf(1.0))


def test_saved_and_changed() -> None:
    x = leaf(1.0)
    y = Exp.apply(x)
    with fg.no_grad():
        y.add_(1)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.sum().backward()


def test_memory_goes_without_the_collector() -> None:
    gc.collect()
    gc.disable()
    try:
        x = leaf(1.0)
        y = Exp.apply(x)
        reference = weakref.ref(y)
        node = weakref.ref(y.grad_fn)
        del y
        assert (reference(), node()) == (None, None)
    finally:
        gc.enable()


def test_used_twice_is_an_error() -> None:
    x = leaf(1.0)
    y = Exp.apply(x).sum()
    y.backward(retain_graph=True)
    y.backward()
    with pytest.raises(RuntimeError, match="a second time"):
        y.backward()


@pytest.mark.parametrize(
    ("result", "error", "message"),
    [
        (lambda dy: (dy, dy), RuntimeError, "incorrect number of gradients"),
        (lambda dy: fg.ones(3), RuntimeError, "invalid gradient at index 0"),
        (lambda dy: 3.0, TypeError, "expected a Tensor or None"),
    ],
)
def test_wrong_gradients(result: Any, error: type[Exception], message: str) -> None:
    class Wrong(fg.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: fg.Tensor) -> fg.Tensor:
            return x * 1

        @staticmethod
        def backward(ctx: Any, dy: fg.Tensor) -> Any:
            return result(dy)

    with pytest.raises(error, match=message):
        Wrong.apply(leaf(1.0, 2.0)).sum().backward()


def test_gradients_are_summed_and_converted() -> None:
    class Wide(fg.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: fg.Tensor) -> fg.Tensor:
            return x * 1

        @staticmethod
        def backward(ctx: Any, dy: fg.Tensor) -> Any:
            return fg.ones(4, 2), None, None

    x = leaf(1.0, 2.0)
    Wide.apply(x).sum().backward()
    assert x.grad.tolist() == [4.0, 4.0]
    assert x.grad.dtype == fg.float64


def test_not_an_object() -> None:
    with pytest.raises(RuntimeError, match="apply"):
        Exp()
    with pytest.raises(TypeError, match="save_for_backward"):
        fg.autograd.function.FunctionCtx(()).save_for_backward(3)


def test_no_gradient_for_an_argument() -> None:
    class Stop(fg.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: fg.Tensor) -> fg.Tensor:
            return x * 1

        @staticmethod
        def backward(ctx: Any, dy: fg.Tensor) -> None:
            return None

    x = leaf(1.0)
    Stop.apply(x).sum().backward()
    assert x.grad is None

"""Fitted: preprocessing that follows from the mean and the covariance of the training data."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from fastgrad.errors import bad_type, bad_value
from fastgrad.tensor import Tensor
from fastgrad.utils.data.preprocess.base import Preprocessor, inputs_of
from fastgrad.utils.data.preprocess.moments import Moments, moments_of
from fastgrad.utils.data.preprocess.rows import map_rows, rows_of

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["Fitted"]


class Fitted(Preprocessor):
    """Base of `Center`, `Standardize` and `Whiten`.

    A subclass says what it needs to know of the data (``_order``, as in `moments_of`), what it works out from that
    (``_solve``), and how rows are changed and changed back (``_forward`` and ``_backward``).
    """

    _order = 0
    _moments: Moments | None = None
    _shape: tuple[int, ...] = ()
    _solution: dict[str, np.ndarray] | None = None

    def _solve(self, function: str, moments: Moments) -> dict[str, np.ndarray]:
        """Arrays by name that follow from the moments."""
        raise NotImplementedError

    def _forward(self, rows: np.ndarray) -> Any:
        raise NotImplementedError

    def _backward(self, rows: np.ndarray) -> Any:
        raise NotImplementedError

    def _result_shape(self) -> tuple[int, ...]:
        """The shape of one transformed example."""
        return self._shape

    # Fitting

    def reset(self) -> Self:
        """Forget what was fitted; return the preprocessor."""
        self._moments, self._shape, self._solution = None, (), None
        return self

    def _function(self, name: str) -> str:
        return f"{type(self).__name__}.{name}"

    def _with(self, function: str, x: Any, moments: Moments | None, shape: tuple[int, ...]) -> tuple[Moments, Any]:
        array = rows_of(function, "x", x, None if moments is None else shape)
        return moments_of(function, array, self._order, moments), array.shape[1:]

    def fit(self, x: Any) -> Self:
        """Fit to training data, forgetting any from before.

        Parameters
        ----------
        x : ndarray or Tensor
            Shape (examples, …): rows are examples, all other axes together are features. Numbers are added up in
            float64.

        Returns
        -------
        Preprocessor
            Itself.

        Raises
        ------
        TypeError
            If `x` is something else, or of no numbers.
        ValueError
            If a number is not finite, or there are too few rows.
        """
        function = self._function("fit")
        moments, shape = self._with(function, x, None, ())
        self._solution = self._solve(function, moments)  # what can fail comes first
        self._moments, self._shape = moments, shape
        return self

    def partial_fit(self, x: Any) -> Self:
        """Take one more batch of training data into account.

        Parameters
        ----------
        x : ndarray or Tensor
            Shape (examples, …), in any division into batches: the result is that of ``fit`` with all rows at once, up
            to rounding in float64.

        Returns
        -------
        Preprocessor
            Itself.

        Raises
        ------
        TypeError, ValueError
            As `fit`, except that too few rows are noticed when they are used.
        """
        self._moments, self._shape = self._with(self._function("partial_fit"), x, self._moments, self._shape)
        self._solution = None
        return self

    def fit_batches(self, batches: Iterable[Any]) -> Self:
        """Fit to training data that come in batches, forgetting any from before.

        Parameters
        ----------
        batches : iterable
            Such as a `DataLoader` or a list. Each batch is an ndarray or Tensor, or a tuple or list whose first entry
            is one.

        Returns
        -------
        Preprocessor
            Itself.

        Raises
        ------
        TypeError, ValueError
            As `fit`, and if there is no batch.
        """
        function = self._function("fit_batches")
        moments, shape = None, ()
        for batch in batches:
            moments, shape = self._with(function, inputs_of(batch), moments, shape)
        if moments is None:
            raise bad_value(function, "batches", "empty", "at least one batch")
        self._solution = self._solve(function, moments)
        self._moments, self._shape = moments, shape
        return self

    def _known(self, function: str) -> Moments:
        if self._moments is None:
            raise RuntimeError(
                f"{function}(): this {type(self).__name__} is not fitted; call fit(x) first, or partial_fit(batch)"
            )
        if self._solution is None:
            self._solution = self._solve(self._function("partial_fit"), self._moments)  # what is wrong is wrong there
        return self._moments

    # Use

    def transform(self, x: Any) -> Any:
        """Change data as the training data were.

        Parameters
        ----------
        x : ndarray or Tensor
            Shape (examples, …), as at ``fit``.

        Returns
        -------
        ndarray or Tensor
            Of the kind and dtype of `x` (integers become the default dtype), computed in float64.

        Raises
        ------
        RuntimeError
            If nothing was fitted.
        TypeError, ValueError
            If `x` has another shape than at ``fit``, or is not of finite numbers.
        """
        function = self._function("transform")
        self._known(function)
        array = rows_of(function, "x", x, self._shape)
        return map_rows(function, "x", x, array, self._forward, self._result_shape())

    def inverse_transform(self, y: Any) -> Any:
        """Undo `transform`.

        Parameters
        ----------
        y : ndarray or Tensor
            What `transform` gives.

        Returns
        -------
        ndarray or Tensor
            Of the kind and dtype of `y`, in the shape of the data at ``fit``.

        Raises
        ------
        RuntimeError
            If nothing was fitted.
        TypeError, ValueError
            If `y` has another shape than `transform` gives, or is not of finite numbers.
        """
        function = self._function("inverse_transform")
        self._known(function)
        array = rows_of(function, "y", y, self._result_shape())
        return map_rows(function, "y", y, array, self._backward, self._shape)

    # What was learned

    @property
    def count(self) -> int:
        """How many rows it was fitted to."""
        return 0 if self._moments is None else self._moments.rows

    @property
    def mean(self) -> np.ndarray:
        """The mean of the training data, float64, in the shape of one example."""
        return self._known(self._function("mean")).mean.reshape(self._shape)

    def state_dict(self) -> dict[str, np.ndarray]:
        """What was fitted, as arrays by name: copies, which ``numpy.savez`` keeps well.

        Returns
        -------
        dict
            The moments of the training data, so that ``partial_fit`` can go on, and what follows from them.

        Raises
        ------
        RuntimeError
            If nothing was fitted.
        """
        moments = self._known(self._function("state_dict"))
        state = {name: np.array(value) for name, value in moments._asdict().items()}
        state["shape"] = np.array(self._shape, np.int64)
        state.update({name: value.copy() for name, value in (self._solution or {}).items()})
        return state

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Take over what `state_dict` of another one with the same arguments gave.

        Parameters
        ----------
        state_dict : mapping
            From names to arrays or Tensors.

        Raises
        ------
        TypeError
            If it is no mapping, or holds something else than numbers.
        ValueError
            If a name is missing or unknown, or an array is of the wrong shape. Nothing is loaded then.
        """
        function = self._function("load_state_dict")
        if not isinstance(state_dict, Mapping):
            raise bad_type(function, "state_dict", f"a {type(state_dict).__name__}", "a mapping from names to arrays")
        arrays = {}
        for name, value in state_dict.items():
            array = np.asarray(value.data if isinstance(value, Tensor) else value)
            if array.dtype.kind not in "fiu":
                raise bad_type(function, f"state_dict[{name!r}]", f"of dtype {array.dtype}", "numbers")
            arrays[name] = array
        names = {*Moments._fields, "shape", *self._solution_shapes(0, 0)}
        if arrays.keys() != names:
            expected = f"the names {', '.join(sorted(names))}"
            raise bad_value(function, "state_dict", f"with {', '.join(sorted(arrays)) or 'nothing'}", expected)
        shape = tuple(int(n) for n in arrays.pop("shape").reshape(-1))
        features = math.prod(shape)
        sizes = {"rows": (), "mean": (features,), "low": (features,), "high": (features,)}
        sizes["scatter"] = (features,) * self._order
        self._check_shapes(function, arrays, sizes)
        varying = int((arrays["low"] != arrays["high"]).sum())
        self._check_shapes(function, arrays, self._solution_shapes(features, varying))
        floats = {name: array.astype(np.float64) for name, array in arrays.items() if name != "rows"}
        self._moments = Moments(int(arrays["rows"]), *(floats.pop(name) for name in Moments._fields[1:]))
        self._shape, self._solution = shape, floats

    @staticmethod
    def _check_shapes(function: str, arrays: dict[str, np.ndarray], shapes: dict[str, tuple[int, ...]]) -> None:
        for name, shape in shapes.items():
            if arrays[name].shape != shape:
                raise bad_value(function, f"state_dict[{name!r}]", f"of shape {arrays[name].shape}", f"shape {shape}")

    def _solution_shapes(self, features: int, varying: int) -> dict[str, tuple[int, ...]]:
        """The shapes of what ``_solve`` gives for so many features, of which so many are not constant."""
        raise NotImplementedError

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"

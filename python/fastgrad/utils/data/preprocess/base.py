"""Preprocessor: what all stages of preprocessing have in common."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from fastgrad.errors import bad_value

if TYPE_CHECKING:
    import numpy as np
    from typing_extensions import Self

__all__ = ["Preprocessor", "inputs_of"]


def inputs_of(batch: Any) -> Any:
    """The inputs of a batch: itself, or the first entry of a tuple or list such as a data loader gives out."""
    return batch[0] if isinstance(batch, (tuple, list)) and batch else batch


class Preprocessor:
    """Base of what is fitted to training data and then changes any data alike.

    A subclass defines ``partial_fit``, ``reset``, ``transform``, ``inverse_transform``, ``state_dict`` and
    ``load_state_dict``.

    Attributes
    ----------
    batched : bool
        True: it is applied to whole batches, whose rows are examples.

    Notes
    -----
    The names are scikit-learn's.
    """

    batched = True

    def reset(self) -> Self:
        """Forget what was fitted; return the preprocessor."""
        raise NotImplementedError(f"{type(self).__name__} does not define reset()")

    def partial_fit(self, x: Any) -> Self:
        """Take more training data into account; return the preprocessor."""
        raise NotImplementedError(f"{type(self).__name__} does not define partial_fit()")

    def transform(self, x: Any) -> Any:
        """Change data as the training data were; every subclass defines its own."""
        raise NotImplementedError(f"{type(self).__name__} does not define transform()")

    def inverse_transform(self, y: Any) -> Any:
        """Undo `transform`; every subclass defines its own."""
        raise NotImplementedError(f"{type(self).__name__} does not define inverse_transform()")

    def state_dict(self) -> dict[str, np.ndarray]:
        """What was fitted, as arrays by name; every subclass defines its own."""
        raise NotImplementedError(f"{type(self).__name__} does not define state_dict()")

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Take over what `state_dict` gave; every subclass defines its own."""
        raise NotImplementedError(f"{type(self).__name__} does not define load_state_dict()")

    def fit(self, x: Any) -> Self:
        """Fit to training data, forgetting any from before.

        Parameters
        ----------
        x : ndarray or Tensor
            Shape (examples, …).

        Returns
        -------
        Preprocessor
            Itself.
        """
        return self.fit_batches([x])

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
        ValueError
            If there is no batch.
        """
        self.reset()
        empty = True
        for batch in batches:
            self.partial_fit(inputs_of(batch))
            empty = False
        if empty:
            raise bad_value(f"{type(self).__name__}.fit_batches", "batches", "empty", "at least one batch")
        return self

    def fit_transform(self, x: Any) -> Any:
        """Fit to `x` and transform it.

        Parameters
        ----------
        x : ndarray or Tensor
            Shape (examples, …).

        Returns
        -------
        ndarray or Tensor
            What ``fit(x).transform(x)`` gives.
        """
        return self.fit(x).transform(x)

    def __call__(self, x: Any) -> Any:
        return self.transform(x)

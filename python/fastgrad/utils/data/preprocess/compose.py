"""Compose: stages of preprocessing, one after the other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from fastgrad.errors import bad_type, bad_value
from fastgrad.utils.data.preprocess.base import Preprocessor, inputs_of

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["Compose"]


class _Transformed:
    """Batches as they leave the stages so far, as often as they are wanted."""

    def __init__(self, batches: Iterable[Any], stages: Sequence[Preprocessor]) -> None:
        self.batches, self.stages = batches, stages

    def __iter__(self) -> Iterator[Any]:
        for batch in self.batches:
            x = inputs_of(batch)
            for stage in self.stages:
                x = stage.transform(x)
            yield x


def _no_mapping(given: object) -> TypeError:
    return bad_type(
        "Compose.load_state_dict", "state_dict", f"a {type(given).__name__}", "a mapping from names to arrays"
    )


class Compose(Preprocessor):
    """Stages of preprocessing, one after the other; each is fitted to what the ones before it make of the data.

    Parameters
    ----------
    stages : sequence of Preprocessor
        At least one.

    Attributes
    ----------
    stages : list of Preprocessor
        The stages.

    Raises
    ------
    TypeError
        If a stage is no `Preprocessor`.
    ValueError
        If there is none, or one is there twice.

    Examples
    --------
    >>> import numpy as np
    >>> import fastgrad as fg
    >>> from fastgrad.data.preprocess import Compose, Standardize, Whiten
    >>> x = np.random.default_rng(0).normal(size=(500, 3)) * [1.0, 10.0, 100.0] + 5.0
    >>> both = Compose([Standardize(), Whiten("pca", n_components=2)]).fit(x)
    >>> z = both(x)
    >>> z.shape, both.inverse_transform(z).shape
    ((500, 2), (500, 3))
    """

    def __init__(self, stages: Sequence[Preprocessor]) -> None:
        if not isinstance(stages, (list, tuple)):
            raise bad_type("Compose", "stages", f"a {type(stages).__name__}", "a list of Preprocessors")
        if not stages:
            raise bad_value("Compose", "stages", "empty", "at least one Preprocessor")
        for i, stage in enumerate(stages):
            if not isinstance(stage, Preprocessor):
                given = f"the class {stage.__name__}" if isinstance(stage, type) else f"a {type(stage).__name__}"
                raise bad_type("Compose", f"stages[{i}]", given, "a Preprocessor such as Center()")
            if any(stage is other for other in stages[:i]):
                raise bad_value("Compose", f"stages[{i}]", "there already", "an object of its own for each stage")
        self.stages = list(stages)

    def reset(self) -> Self:
        """Forget what was fitted; return the preprocessor."""
        for stage in self.stages:
            stage.reset()
        return self

    def partial_fit(self, x: Any) -> Self:
        """Take one more batch into account: only for a single stage.

        Raises
        ------
        RuntimeError
            If there are more: the second can be fitted only when the first has seen all data.
        """
        if len(self.stages) > 1:
            raise RuntimeError(
                f"Compose.partial_fit(): {len(self.stages)} stages need as many passes over the data; "
                "call fit_batches(batches) with all batches"
            )
        self.stages[0].partial_fit(x)
        return self

    def fit(self, x: Any) -> Self:
        """Fit the stages one after the other, each to what those before it give.

        Parameters
        ----------
        x : ndarray or Tensor
            Shape (examples, …).

        Returns
        -------
        Compose
            Itself.
        """
        self.fit_transform(x)
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
        for stage in self.stages:
            x = stage.fit_transform(x)
        return x

    def fit_batches(self, batches: Iterable[Any]) -> Self:
        """Fit the stages one after the other to data that come in batches: one pass per stage.

        Parameters
        ----------
        batches : iterable
            Such as a `DataLoader` or a list; no iterator, which can be gone through once only. Each batch is an
            ndarray or Tensor, or a tuple or list whose first entry is one.

        Returns
        -------
        Compose
            Itself.

        Raises
        ------
        TypeError
            If `batches` can be gone through once only.
        ValueError
            If there is no batch.
        """
        if isinstance(batches, Iterator) and len(self.stages) > 1:
            expected = f"a list or data loader, which can be gone through {len(self.stages)} times"
            raise bad_type("Compose.fit_batches", "batches", f"a {type(batches).__name__}", expected)
        for i, stage in enumerate(self.stages):
            stage.fit_batches(_Transformed(batches, self.stages[:i]))
        return self

    def transform(self, x: Any) -> Any:
        """Pass data through all stages."""
        for stage in self.stages:
            x = stage.transform(x)
        return x

    def inverse_transform(self, y: Any) -> Any:
        """Pass data back through all stages."""
        for stage in reversed(self.stages):
            y = stage.inverse_transform(y)
        return y

    def state_dict(self) -> dict[str, np.ndarray]:
        """What was fitted, as arrays by name: that of stage i begins with ``i.``."""
        states = [stage.state_dict() for stage in self.stages]
        return {f"{i}.{name}": array for i, state in enumerate(states) for name, array in state.items()}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Take over what `state_dict` of one with the same stages gave.

        Parameters
        ----------
        state_dict : mapping
            From names to arrays or Tensors.

        Raises
        ------
        TypeError
            If it is no mapping.
        ValueError
            If it does not fit the stages. Nothing is loaded then.
        """
        if not isinstance(state_dict, Mapping):
            raise _no_mapping(state_dict)
        parts: list[dict[str, Any]] = [{} for _ in self.stages]
        for name, value in state_dict.items():
            number, _, rest = name.partition(".")
            if not (number.isdecimal() and int(number) < len(parts)):
                expected = f"names that begin with 0. to {len(parts) - 1}., the stages"
                raise bad_value("Compose.load_state_dict", "state_dict", f"with {name!r}", expected)
            parts[int(number)][rest] = value
        before = [dict(vars(stage)) for stage in self.stages]
        try:
            for stage, part in zip(self.stages, parts, strict=True):
                stage.load_state_dict(part)
        except (TypeError, ValueError):
            for stage, attributes in zip(self.stages, before, strict=True):
                vars(stage).clear()
                vars(stage).update(attributes)
            raise

    def __repr__(self) -> str:
        return f"Compose([{', '.join(map(repr, self.stages))}])"

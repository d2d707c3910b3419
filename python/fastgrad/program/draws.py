"""Random numbers in a recording: a program draws others for every run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fastgrad.program.recorder import Recorder

__all__ = ["Draw", "Drawing", "DrawnInt"]


class DrawnInt(int):
    """Seed or position of random numbers that a program draws anew for every run."""

    draw: Draw


class Draw:
    """Random numbers that one kernel takes from a generator."""

    def __init__(self, generator: Any, count: int) -> None:
        self.generator = generator
        self.count = count

    def ints(self, seed: int, offset: int) -> tuple[int, int]:
        """The two numbers, marked."""
        marked = DrawnInt(seed), DrawnInt(offset)
        for each in marked:
            each.draw = self
        return marked


class Drawing:
    """A numpy generator whose methods are written down."""

    def __init__(self, recorder: Recorder, generator: Any) -> None:
        self.recorder = recorder
        self.generator = generator

    def __getattr__(self, name: str) -> Any:
        generator, recorder = self.generator, self.recorder

        def draw(*args: Any, **kwargs: Any) -> Any:
            return getattr(generator.numpy, name)(*args, **kwargs)  # the one that it has then

        draw.__name__ = name
        draw.draws = True  # type: ignore[attr-defined]
        return lambda *args, **kwargs: recorder.compute(draw, args, kwargs)

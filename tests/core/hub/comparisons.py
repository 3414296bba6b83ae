"""Values that count how often they are compared: work that grows with the square of a message shows in it.

A test derives a class of its own, so that it counts what it compares alone.
"""


class Counted:
    """``comparison_count`` says how often a value of the class was compared."""

    comparison_count = 0

    def __eq__(self, other: object) -> bool:
        type(self).comparison_count += 1
        return super().__eq__(other)


class CountedText(Counted, str):
    """A text."""

    __hash__ = str.__hash__


class CountedInt(Counted, int):
    """A whole number."""

    __hash__ = int.__hash__

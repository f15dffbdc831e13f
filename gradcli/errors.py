"""What a user can get wrong, as one exception: a kind, a message, where it is, and the fix."""

from __future__ import annotations

from typing import Any, Literal

from gradcli.record import ValueRecord

Kind = Literal["yaml", "spec", "name", "type", "shape", "value", "autograd", "limit", "io", "device", "internal"]


class Span(ValueRecord):
    """A stretch of the spec's text: 1-based lines and columns in characters, the end exclusive."""

    line: int
    column: int
    end_line: int
    end_column: int


class UserError(Exception):
    """A mistake the user can mend: `message` says what is wrong, `hint` how to mend it, `span` where it stands.

    Whoever raises it first may not know the place; whoever does know it calls `at`.
    """

    def __init__(self, kind: Kind, message: str, hint: str | None = None, span: Span | None = None) -> None:
        super().__init__(message)
        self.kind: Kind = kind
        self.message = message
        self.hint = hint
        self.span = span
        self.place: tuple[int, int] | None = None  # the part of the expression, as offsets into its text
        # what did not go together: such a part each, with the shape of its value, or its dtype
        self.operands: list[tuple[int, int, str]] = []
        # when things happened that led to it, as node numbers: the node whose backward failed was recorded ("node"),
        # its saved tensors were "freed", or "modified" in place
        self.numbers: dict[str, int] = {}

    def __reduce__(self) -> tuple[Any, ...]:
        return UserError, (self.kind, self.message, self.hint, self.span)

    def at(self, span: Span) -> UserError:
        """This error with `span` as its place, unless a narrower place is known already."""
        if self.span is None:
            self.span = span
        return self


class UserErrors(Exception):
    """Everything wrong with a spec that can be found without running it, in the order of the text."""

    def __init__(self, errors: list[UserError]) -> None:
        super().__init__("\n".join(error.message for error in errors))
        self.errors = errors


def describe(error: Exception) -> str:
    """What kind of exception `error` is, and its message, on one line."""
    message = " ".join(str(error).split())
    return f"{type(error).__name__}: {message}" if message else type(error).__name__


def out_of_memory() -> UserError:
    """The error of a spec for which there is no memory, where nothing is known of what needed it."""
    return UserError("limit", "there is not enough memory for this spec")

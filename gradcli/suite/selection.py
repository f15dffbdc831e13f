"""`-k`: which specs of a suite are meant, by parts of their names."""

from __future__ import annotations

import re
from collections.abc import Callable

from gradcli.errors import UserError

Choice = Callable[[str], bool]


def choice(pattern: str) -> Choice:
    """Tells by a spec's name whether `pattern` means it: a part of the name, and, or, not, and parentheses.

    Upper and lower case are the same. Raises UserError for what is no such pattern.
    """
    parser = _Parser(pattern)
    try:
        chosen = parser.alternatives()
    except RecursionError:
        raise UserError("value", "the pattern is nested too deep") from None
    if parser.word is not None:
        raise parser.expected("`and` or `or`")
    return lambda name: chosen(name.lower())


class _Parser:
    """Reads a pattern word by word; `word` is the next one, None at the end."""

    def __init__(self, pattern: str) -> None:
        self._words = re.findall(r"[()]|[^\s()]+", pattern.lower())
        self._place = 0

    @property
    def word(self) -> str | None:
        return self._words[self._place] if self._place < len(self._words) else None

    def alternatives(self) -> Choice:
        choices = [self._conditions()]
        while self._take("or"):
            choices.append(self._conditions())
        return lambda name: any(chosen(name) for chosen in choices)

    def _conditions(self) -> Choice:
        choices = [self._condition()]
        while self._take("and"):
            choices.append(self._condition())
        return lambda name: all(chosen(name) for chosen in choices)

    def _condition(self) -> Choice:
        if self._take("not"):
            refused = self._condition()
            return lambda name: not refused(name)
        if self._take("("):
            inner = self.alternatives()
            if not self._take(")"):
                raise self.expected("`)`")
            return inner
        part = self.word
        if part is None or part in ("and", "or", ")"):
            raise self.expected("a part of a name")
        self._place += 1
        return lambda name: part in name

    def _take(self, word: str) -> bool:
        taken = self.word == word
        self._place += taken
        return taken

    def expected(self, what: str) -> UserError:
        found = "at the end" if self.word is None else f"before `{self.word}`"
        return UserError("value", f"{what} is missing {found}")

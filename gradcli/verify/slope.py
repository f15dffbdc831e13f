"""The slope of a function of one number at 0, found from its values alone, and how far that can be trusted."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise, takewhile
from typing import Literal

from gradcli.record import Record, replace

Function = Callable[[float], float]
# "border": the function is there on one side only; "steep": its slope has no limit; "undefined": nothing can be said
Form = Literal["smooth", "kink", "jump", "steep", "border", "undefined"]

FACTOR = 4.0  # from one step to the next smaller one
ROWS = 20
FEWEST = 3
JUMPS = 3.6  # by what factor differences grow at least from one step to the next, of FACTOR, if they have no limit 0
GOOD_ENOUGH = 1e-9
FINE_ENOUGH = 1e-3


class Slope(Record):
    """`value` up to `error`; where the function has a kink there are two, `left` and `right`.

    `remainder` is the power of the step by which Taylor's remainder falls: 2 if the expected slope is right, 1 if not,
    NaN where no remainder can be seen.
    """

    form: Form
    value: float = math.nan
    error: float = math.inf
    left: float = math.nan
    right: float = math.nan
    remainder: float = math.nan


class Row(Record):
    """What a step to both sides has shown; `extrapolated` is Richardson's row, which ends the sweep of steps."""

    step: float
    before: float
    after: float
    noise: float
    extrapolated: list[float]

    @property
    def central(self) -> float:
        return self.extrapolated[0]

    @property
    def left(self) -> float:
        return -self.before / self.step

    @property
    def right(self) -> float:
        return self.after / self.step

    @property
    def bend(self) -> float:
        return abs(self.right - self.left)


def slope_of(function: Function, reach: float, noise: float, expected: float, scale: float, floor: float) -> Slope:
    """The slope of `function`, which is 0 at 0, by central differences over a sweep of steps and Richardson's
    extrapolation of them.

    Steps go down from `reach`. `noise` bounds what rounding adds to a value. The sweep ends early where the slope is
    certain and `expected`, up to a small part of `scale`, which is the size of slopes that count here; what is smaller
    than `floor` tells nothing of kinks.
    """
    rows: list[Row] = []
    sides = [0, 0]
    for place in range(ROWS):
        step = reach * FACTOR**-place
        before, after = function(-step), function(step)
        sides[0] += math.isfinite(before)
        sides[1] += math.isfinite(after)
        if not (math.isfinite(before) and math.isfinite(after)):
            rows.clear()  # steps that lead out of the domain say nothing
            continue
        rows.append(row_of(step, before, after, noise, rows[-1].extrapolated if rows else []))
        if len(rows) >= FEWEST:
            best = best_of(rows)
            agrees = abs(best.value - expected) <= 4 * best.error + GOOD_ENOUGH * scale
            if agrees and best.error <= GOOD_ENOUGH * scale and not is_bent(rows, floor):
                return best
            if rows[-1].noise > max(abs(rows[-1].central), rows[-1].bend, floor):
                break  # smaller steps would show rounding only
    if not rows:
        return Slope("border" if any(sides) else "undefined")
    coarse = above_quantum(rows)
    if coarse and best_of(coarse).error <= FINE_ENOUGH * scale:
        rows = coarse
    signal = max(max(row.bend, abs(row.central)) for row in rows)
    clear = [row for row in rows if 16 * row.noise < 0.1 * signal]
    form = form_of(clear, floor)
    if form == "smooth":
        return replace(best_of(rows), remainder=power_of_remainder(clear, expected))
    if form != "kink":
        return Slope(form)
    shown = [row for row in clear if row.noise < 1e-7 * row.bend] or [row for row in clear if row.noise < row.bend / 16]
    wider, narrower = shown[-2:] if len(shown) > 1 else (shown[-1], shown[-1])
    left, right = extrapolated(wider.left, narrower.left), extrapolated(wider.right, narrower.right)
    return Slope("kink", narrower.central, math.inf, left, right)


def extrapolated(wider: float, narrower: float) -> float:
    """A slope to one side, which is off by a part of the step."""
    return narrower + (narrower - wider) / (FACTOR - 1)


def row_of(step: float, before: float, after: float, noise: float, above: list[float]) -> Row:
    extrapolated = [(after - before) / (2 * step)]
    weight = 1.0
    for coarser in above:
        weight *= FACTOR**2
        extrapolated.append(extrapolated[-1] + (extrapolated[-1] - coarser) / (weight - 1))
    return Row(step, before, after, noise / step, extrapolated)


def above_quantum(rows: list[Row]) -> list[Row]:
    """The larger steps, if small ones all lead to the same: of a function that is rounded on the way, say to float32.

    What the last of the larger ones changes, and what the small ones do, is the noise of all.
    """
    last = rows[-1]
    alike = list(takewhile(lambda row: (row.before, row.after) == (last.before, last.after), reversed(rows)))
    coarse = rows[: -len(alike)]
    if (len(alike) == 1 and last.before and last.after) or len(coarse) < FEWEST:
        return []
    quantum = max(abs(value) for row in (coarse[-1], last) for value in (row.before, row.after))
    signal = max(abs(coarse[0].central), coarse[0].bend)
    noisy = [replace(row, noise=max(row.noise, quantum / row.step)) for row in coarse]
    clear = [row for row in noisy if 16 * row.noise < 0.1 * signal]
    return clear if len(clear) >= FEWEST else []


def best_of(rows: list[Row]) -> Slope:
    """The most certain value: what changes least from one extrapolation to the next, and is borne out by the
    smaller steps, which see what larger ones may step over.
    """
    best = Slope("smooth", rows[-1].central)
    for place in reversed(range(1, len(rows))):
        row, above = rows[place], rows[place - 1]
        for order in range(1, len(row.extrapolated)):
            value = row.extrapolated[order]
            change = max(abs(value - row.extrapolated[order - 1]), abs(value - above.extrapolated[order - 1]))
            contradiction = max(
                (
                    abs(value - later.central) - 4 * later.noise - 2 * abs(later.central - before.central)
                    for before, later in zip(rows[place:], rows[place + 1 :], strict=False)
                ),
                default=0.0,
            )
            error = max(change + 2 * row.noise, contradiction)
            if error < best.error:
                best = Slope("smooth", value, error)
    return best


def form_of(rows: list[Row], floor: float) -> Form:
    """What the function looks like at 0, by what becomes of differences as the steps get small."""
    if len(rows) < 2:
        return "smooth"
    wider, narrower = rows[-2:]
    if max(abs(narrower.central), narrower.bend) <= floor:
        return "smooth"
    growth = abs(narrower.central) / (abs(wider.central) or math.inf)
    if growth > JUMPS:
        return "jump"
    if growth > 1.4 or (is_bent(rows, floor) and narrower.bend > 1.4 * wider.bend):
        return "jump" if narrower.bend > JUMPS * wider.bend else "steep"
    return "kink" if is_bent(rows, floor) else "smooth"


def power_of_remainder(rows: list[Row], expected: float) -> float:
    """By which power of the step what is left of a step to the right falls, once the expected slope is taken off."""
    left = [abs(row.right - expected) for row in rows if abs(row.right - expected) > 16 * row.noise]
    if len(left) < 2:
        return math.nan
    return 1 + math.log(left[-2] / left[-1]) / math.log(FACTOR)


def is_bent(rows: list[Row], floor: float) -> bool:
    """Whether the slopes to the left and to the right do not come together, as those of a smooth function do."""
    visible = [
        (wider, narrower) for wider, narrower in pairwise(rows) if 0.7 * wider.bend > 16 * narrower.noise + floor
    ]
    return bool(visible) and visible[-1][1].bend > 0.7 * visible[-1][0].bend

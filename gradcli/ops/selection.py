"""Which of several equal values come first in the sorts and selections of the C++ library, and in torch's own.

They rearrange each line by partitions about a pivot. Here a partition is made in all lines at once: the elements that
are to be exchanged are found together, not one after the other. Lines without equal values need none of this.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gradcli.engine.device import beside, np, to_host

LARGE = 2**14  # elements; to follow the C++ library's sort of more than these would take seconds
SHORT = 16  # sorts leave parts of this length for a stable sort at the end


class Lines:
    """Lines being rearranged: the ranks of their values (equal values, equal ranks), and where each one came from."""

    def __init__(self, ranks: Any) -> None:
        self.ranks = ranks
        self.places = np.arange(ranks.shape[-1])
        self.origins = np.broadcast_to(self.places, ranks.shape).copy()

    def at(self, lines: Any, place: Any) -> Any:
        return self.ranks[lines, place]

    def exchange(self, lines: Any, first: Any, second: Any) -> None:
        for part in (self.ranks, self.origins):
            part[lines, first], part[lines, second] = part[lines, second], part[lines, first]

    def exchange_larger(self, lines: Any, first: Any, second: Any) -> None:
        """Exchange where the value at `first` is the larger one."""
        larger = self.at(lines, first) > self.at(lines, second)
        self.exchange(lines[larger], first[larger], second[larger])

    def part(self, lines: Any, pivot: Any, start: Any, end: Any, beyond: int) -> tuple[Any, Any]:
        """Move what is not below `pivot` to the right and what is not above it to the left.

        A search from `start` on finds the first, one from `end` down the others; each may end `beyond` where the other
        starts. What they find is exchanged, outermost first, while they have not met (where they end beyond: passed
        each other). The answer is where each has ended.
        """
        window = slice(start.min().item() - beyond, end.max().item() + 1 + beyond)
        places, ranks, size = self.places[window], self.ranks[lines, window], self.ranks.shape[-1]
        rightwards = (places >= start[:, None]) & (places <= end[:, None] + beyond)
        leftwards = (places >= start[:, None] - beyond) & (places <= end[:, None])
        high = np.sort(np.where(rightwards & (ranks >= pivot[:, None]), places, size), axis=-1)
        low = -np.sort(np.where(leftwards & (ranks <= pivot[:, None]), -places, 1), axis=-1)
        pairs = high <= low if beyond else high < low
        line, _ = pairs.nonzero()
        self.exchange(lines[line], high[pairs], low[pairs])
        ranks = self.ranks[lines, window]
        last = np.add.reduce(pairs, axis=-1)[:, None] - 1
        passed = last >= 0
        done_left = np.where(passed, np.take_along_axis(high, np.maximum(last, 0), axis=-1), start[:, None] - 1)
        done_right = np.where(passed, np.take_along_axis(low, np.maximum(last, 0), axis=-1), end[:, None] + 1)
        right_of = (places > done_left) & (ranks >= pivot[:, None])
        left_of = (places < done_right) & (ranks <= pivot[:, None])
        return places[np.argmax(right_of, axis=-1)], places[::-1][np.argmax(left_of[:, ::-1], axis=-1)]

    def cut(self, lines: Any, first: Any, last: Any) -> Any:
        """The C++ library's partition of first..last: about the median of three elements, moved to the front."""
        a, b, c = first + 1, first + (last + 1 - first) // 2, last
        one, two, three = self.at(lines, a), self.at(lines, b), self.at(lines, c)
        middle = np.where(
            one < two,
            np.where(two < three, b, np.where(one < three, c, a)),
            np.where(one < three, a, np.where(two < three, c, b)),
        )
        self.exchange(lines, first, middle)
        return self.part(lines, self.at(lines, first), a, c, 0)[0]

    def sort(self, lines: Any, first: Any, last: Any) -> None:
        """Sort first..last of the lines, equal values as they stand."""
        block = (self.places >= first[:, None]).astype(np.int8) + (self.places > last[:, None])
        order = np.argsort(self.ranks[lines], axis=-1, kind="stable")
        order = np.take_along_axis(order, np.argsort(np.take_along_axis(block, order, -1), -1, kind="stable"), -1)
        order = np.where(block == 1, order, self.places)
        for part in (self.ranks, self.origins):
            part[lines] = np.take_along_axis(part[lines], order, -1)


def sorted_places(lines: Any, descending: bool, stable: bool) -> Any:
    """The places of the values of each line in order.

    Unless `stable`, the C++ library's sort decides about equal ones; where there is much to sort they keep their order.
    """
    size = lines.shape[-1]
    if stable or size <= SHORT or lines.size > LARGE:
        return in_order(lines, descending)
    return chosen(lines, descending, lambda rearranged: sort_first(rearranged, size))


def in_order(lines: Any, largest: bool) -> Any:
    """The places of the values of each line in order; equal values keep theirs, NaN is the largest."""
    if not largest:
        return np.argsort(lines, axis=-1, kind="stable")
    return lines.shape[-1] - 1 - np.argsort(lines[..., ::-1], axis=-1, kind="stable")[..., ::-1]


def chosen(lines: Any, largest: bool, select: Callable[[Lines], None], sorted: bool = True) -> Any:
    """The places of the values in order, in lines with ties (or all, unless `sorted`) as `select` orders them."""
    flat = lines.reshape(-1, lines.shape[-1])
    order = in_order(flat, largest)
    values = np.take_along_axis(flat, order, axis=-1)
    one, next_one = values[:, :-1], values[:, 1:]
    tied = ((one == next_one) | ((one != one) & (next_one != next_one))).any(axis=-1) | (not sorted)
    if tied.any().item():
        ranks = np.unique(to_host(flat[tied]), return_inverse=True)[1].reshape(-1, flat.shape[-1])
        rearranged = Lines(-ranks if largest else ranks)  # on the host, whose steps are small
        select(rearranged)
        order[tied] = beside(order, rearranged.origins)
    return order.reshape(lines.shape)


def kth_smallest(lines: Any, k: int) -> Any:
    """The place, in each line, of the value of rank `k` (from 0), found by torch's quick selection."""
    return chosen(lines, False, lambda rearranged: quick_select(rearranged, k))[..., k : k + 1]


def quick_select(rearranged: Lines, k: int) -> None:
    size = rearranged.ranks.shape[-1]
    lines = np.arange(len(rearranged.ranks))
    left, right = np.zeros_like(lines), np.full_like(lines, size - 1)
    while True:
        pair = right == left + 1
        rearranged.exchange_larger(lines[pair], left[pair], right[pair])
        going = right > left + 1
        if not going.any():
            return
        lines, left, right = lines[going], left[going], right[going]
        rearranged.exchange(lines, left + (right - left) // 2, left + 1)
        rearranged.exchange_larger(lines, left + 1, right)
        rearranged.exchange_larger(lines, left, right)
        rearranged.exchange_larger(lines, left + 1, left)
        above, below = rearranged.part(lines, rearranged.at(lines, left), left + 2, right - 1, 1)
        rearranged.exchange(lines, left, below)
        left, right = np.where(below <= k, above, left), np.where(below >= k, below - 1, right)


def top_places(lines: Any, k: int, largest: bool, sorted: bool) -> Any:
    """The places of the `k` largest or smallest of each line.

    torch sorts only the beginning of long lines, by a heap, of which this knows the first element alone: further ones
    among equal values are the first ones here.
    """
    if k * 64 <= lines.shape[-1]:
        return in_order(lines, largest)[..., :k]
    return chosen(lines, largest, lambda rearranged: top(rearranged, k, sorted), sorted)[..., :k]


def top(rearranged: Lines, k: int, sorted: bool) -> None:
    nth_element(rearranged, k - 1)
    if sorted:
        sort_first(rearranged, k - 1)


def nth_element(rearranged: Lines, n: int) -> None:
    """The C++ library's: the element of rank `n` at its place, smaller ones before it."""
    lines = np.arange(len(rearranged.ranks))
    first, last = np.zeros_like(lines), np.full_like(lines, rearranged.ranks.shape[-1] - 1)
    while True:
        short = last - first < 3
        rearranged.sort(lines[short], first[short], last[short])
        if short.all():
            return
        lines, first, last = lines[~short], first[~short], last[~short]
        cut = rearranged.cut(lines, first, last)
        first, last = np.where(cut <= n, cut, first), np.where(cut <= n, last, cut - 1)


def sort_first(rearranged: Lines, count: int) -> None:
    """The C++ library's sort of the first elements: partitions down to short parts, then a stable sort."""
    lines = np.arange(len(rearranged.ranks))
    whole = np.zeros_like(lines), np.full_like(lines, count - 1)
    pending = [(lines, *whole)]
    while pending:
        lines, first, last = pending.pop()
        long = last - first >= SHORT
        if long.any():
            lines, first, last = lines[long], first[long], last[long]
            cut = rearranged.cut(lines, first, last)
            pending += [(lines, cut, last), (lines, first, cut - 1)]
    rearranged.sort(np.arange(len(rearranged.ranks)), *whole)

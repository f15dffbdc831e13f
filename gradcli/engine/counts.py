"""Random counts, each of as many uniform numbers as it takes: how often something happens, how many trials succeed."""

from __future__ import annotations

import math
from collections.abc import Callable

Uniform = Callable[[], float]  # the next number in [0, 1)

# log(n!) less its approximation by Stirling, where the series is not exact enough
STIRLING_TAILS = tuple(
    math.lgamma(n + 1) - ((n + 0.5) * math.log(n + 1) - (n + 1) + 0.5 * math.log(2 * math.pi)) for n in range(10)
)


def log_or_infinity(x: float) -> float:
    return math.log(x) if x else -math.inf


def poisson(uniform: Uniform, rate: float) -> float:
    """A whole number with the mean `rate`."""
    if rate == 0:
        return 0.0
    return large_poisson(uniform, rate) if rate >= 10 else small_poisson(uniform, rate)


def small_poisson(uniform: Uniform, rate: float) -> float:
    """So many uniform numbers as can be multiplied before the product falls below exp(-rate)."""
    least = math.exp(-rate)
    number, product = 0.0, uniform()
    while product > least:
        number += 1
        product *= uniform()
    return number


def large_poisson(uniform: Uniform, rate: float) -> float:
    """By transformed rejection (W. Hörmann 1993, algorithm PTRS)."""
    b = 0.931 + 2.53 * math.sqrt(rate)
    a = -0.059 + 0.02483 * b
    inverse_alpha = 1.1239 + 1.1328 / (b - 3.4)
    sure = 0.9277 - 3.6224 / (b - 2)
    while True:
        u, v = uniform() - 0.5, uniform()
        rest = 0.5 - abs(u)
        number = math.floor((2 * a / rest + b) * u + rate + 0.43) if rest else -1
        if rest >= 0.07 and v <= sure:
            return float(number)
        if number < 0 or (rest < 0.013 and v > rest):
            continue
        bound = -rate + number * math.log(rate) - math.lgamma(number + 1)
        if log_or_infinity(v) + math.log(inverse_alpha) - math.log(a / (rest * rest) + b) <= bound:
            return float(number)


def binomial(uniform: Uniform, count: float, probability: float) -> float:
    """How many of `count` trials succeed, each with `probability`; of no finite number of trials NaN."""
    if math.isnan(probability):
        return math.nan
    if count <= 0 or probability <= 0:
        return 0.0
    if probability >= 1:
        return count
    if not math.isfinite(count):
        return math.nan
    if probability > 0.5:
        return count - rare(uniform, count, 1 - probability)
    return rare(uniform, count, probability)


def rare(uniform: Uniform, count: float, probability: float) -> float:
    if count * probability >= 10:
        return large_binomial(uniform, count, probability)
    return small_binomial(uniform, count, probability)


def small_binomial(uniform: Uniform, count: float, probability: float) -> float:
    """So many successes as come one after another, by their geometric distances, before the trials are over."""
    logarithm = math.log1p(-probability)
    successes, trials = 0.0, 0.0
    while True:
        distance = log_or_infinity(uniform()) / logarithm
        trials += math.ceil(distance) if math.isfinite(distance) else distance
        if trials > count:
            return successes
        successes += 1


def large_binomial(uniform: Uniform, count: float, probability: float) -> float:
    """By transformed rejection (W. Hörmann 1993, algorithm BTRS)."""
    spread = math.sqrt(count * probability * (1 - probability))
    b = 1.15 + 2.53 * spread
    a = -0.0873 + 0.0248 * b + 0.01 * probability
    centre = count * probability + 0.5
    sure = 0.92 - 4.2 / b
    odds = probability / (1 - probability)
    alpha = (2.83 + 5.1 / b) * spread
    mode = math.floor((count + 1) * probability)
    while True:
        u, v = uniform() - 0.5, uniform()
        rest = 0.5 - abs(u)
        number = math.floor((2 * a / rest + b) * u + centre) if rest else -1
        if rest >= 0.07 and v <= sure:
            return float(number)
        if not 0 <= number <= count:
            continue
        bound = (
            (mode + 0.5) * math.log((mode + 1) / (odds * (count - mode + 1)))
            + (count + 1) * math.log((count - mode + 1) / (count - number + 1))
            + (number + 0.5) * math.log(odds * (count - number + 1) / (number + 1))
            + stirling_tail(mode)
            + stirling_tail(count - mode)
            - stirling_tail(number)
            - stirling_tail(count - number)
        )
        if log_or_infinity(v * alpha / (a / (rest * rest) + b)) <= bound:
            return float(number)


def stirling_tail(n: float) -> float:
    if n <= 9:
        return STIRLING_TAILS[int(n)]
    square = (n + 1) * (n + 1)
    return (1 / 12 - (1 / 360 - 1 / 1260 / square) / square) / (n + 1)

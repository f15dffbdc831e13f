"""torch's CPU random stream: the same numbers, bit for bit, from Python's own Mersenne Twister.

torch turns the 32-bit words of an MT19937 into numbers as x86-64 compiles its C++: `a * b + c` is one fused
multiply-add, and logarithms and trigonometric functions of doubles are those of the C library, which `math`
calls too (NumPy's own differ in the last bit). From 16 elements on, `randn` in single precision uses short
polynomials, within 1e-6 of the exact values; `log` and `sincos` are these. Torch runs them where the
processor has AVX2 or AVX-512. Without either, or on another architecture, torch itself gives other last bits;
so does another C library.

Every sampler fills its result in C order, but torch fills in the order of memory: what it lays out like a
transposed input (`rand_like(x.t())`, `dropout(x.t())`) or writes into a view is drawn in the order of that
memory, normal numbers then with `contiguous=False`.

Dropout needs no sampler of its own: `dropout(x, p)` keeps the elements where `bernoulli(1 - p)`, drawn in the
order of the memory of x, is one, and divides them by 1 - p. It draws nothing if p is 0 or 1, if it does not
train, or if x is empty.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from random import Random
from typing import Any, TypeAlias

from gradcli.engine.counts import binomial, log_or_infinity, poisson
from gradcli.engine.device import np
from gradcli.engine.dtypes import C_NAMES, TYPE_NAMES, converted, dtype_kind, finfo, is_reduced
from gradcli.engine.fused import log, scaled, sincos
from gradcli.errors import UserError
from gradcli.record import Record

# numpy.ndarray and numpy.dtype, which only a draw may import
Array: TypeAlias = Any
DType: TypeAlias = Any

BLOCK = 16  # so many normal numbers come of 16 uniform ones at a time; fewer are drawn in pairs
STATE_WORDS = 624  # of the Mersenne Twister
WORDS_AT_ONCE = 2**24
CHUNK = 8192  # elements whose intermediate results stay in the processor's cache
SIGNIFICANT_BITS = {"float16": 11, "bfloat16": 8, "float32": 24, "float64": 53}


class GeneratorState(Record):
    """What a generator will draw next. `words` is None before the first draw."""

    seed: int
    words: Any
    next_normal: float | None


class Generator:
    """A stream of random numbers, that of `torch.Generator(device="cpu")` with the same seed.

    Samplers take a shape and a NumPy dtype and return a new array. A dtype that torch does not implement for
    the sampler raises a UserError, as does a parameter out of its range; the stream then stays where it is.
    """

    __slots__ = ("_next_normal", "_words", "initial_seed")

    def __init__(self, seed: int = 0) -> None:
        self.manual_seed(seed)

    def manual_seed(self, seed: int) -> None:
        """Start the stream of `seed`, from -2**63 to 2**64 - 1; only its lower 32 bits count."""
        if not -(2**63) <= seed < 2**64:
            raise UserError("value", f"Overflow when unpacking long long: {seed} is no 64-bit seed")
        self.initial_seed = seed % 2**64
        self._words: Random | None = None
        # the scalar way to normal numbers yields two at a time, and the second waits for the next call
        self._next_normal: float | None = None

    def get_state(self) -> GeneratorState:
        """The state of the stream, which later draws leave alone."""
        words = None if self._words is None else self._words.getstate()
        return GeneratorState(self.initial_seed, words, self._next_normal)

    def set_state(self, state: GeneratorState) -> None:
        """Go back to where `get_state` was called."""
        self.manual_seed(state.seed)
        if state.words is not None:
            self._start().setstate(state.words)
        self._next_normal = state.next_normal

    @contextmanager
    def aside(self, state: GeneratorState | None = None) -> Iterator[None]:
        """What is drawn inside, beginning at `state` if given, leaves the stream where it was."""
        before = self.get_state()
        if state is not None:
            self.set_state(state)
        try:
            yield
        finally:
            self.set_state(before)

    def rand(self, shape: Sequence[int], dtype: DType) -> Array:
        """torch.rand: uniform in [0, 1); a complex number's parts are drawn one after the other."""
        return self.uniform(shape, 0.0, 1.0, dtype)

    def uniform(self, shape: Sequence[int], low: float, high: float, dtype: DType) -> Array:
        """Tensor.uniform_(low, high), for real and complex dtypes."""
        if dtype_kind(dtype) == "c":
            return _as_complex(self.uniform((*shape, 2), low, high, _real_part(dtype)), shape)
        _require(dtype, "f", "check_uniform_bounds")
        _check_uniform_bounds(low, high, dtype)
        size = math.prod(shape)
        wide = _computation_dtype(dtype)
        low, high = wide.type(low), wide.type(high)
        fractions = self._doubles(size) if dtype.name == "float64" else self._singles(size)
        values = scaled(fractions, high - low, low).astype(dtype)
        values[values >= dtype.type(high)] = low  # rounding may reach the end that the interval excludes
        return values.reshape(shape)

    def randn(self, shape: Sequence[int], dtype: DType, contiguous: bool = True) -> Array:
        """torch.randn: standard normal; a complex number has variance 1, half of it in each part."""
        return self.normal(0.0, 1.0, shape, dtype, contiguous)

    def normal(self, mean: float, std: float, shape: Sequence[int], dtype: DType, contiguous: bool = True) -> Array:
        """torch.normal with numbers for `mean` and `std`, and Tensor.normal_.

        Where torch's result is not contiguous (see the module), say so: it then draws other numbers.
        """
        if not std >= 0:
            raise UserError("value", f"normal expects std >= 0.0, but found std {std:g}")
        if dtype_kind(dtype) == "c":
            parts = self.normal(mean, std / math.sqrt(2), (*shape, 2), _real_part(dtype), contiguous)
            return _as_complex(parts, shape)
        size = math.prod(shape)
        if size:
            _require(dtype, "f", "normal_kernel_cpu")
        if size < BLOCK or not contiguous:
            return _rounded(scaled(self._scalar_normals(size), std, mean), dtype).reshape(shape)
        return _rounded(scaled(self._block_normals(size, dtype), std, mean), dtype).reshape(shape)

    def log_normal(self, mean: float, std: float, shape: Sequence[int], dtype: DType) -> Array:
        """Tensor.log_normal_: the exponential of normal numbers, which are always drawn the scalar way."""
        if math.prod(shape):
            _require(dtype, "f", "log_normal_cpu")
        if not std > 0:
            raise UserError("value", f"log_normal_ expects std > 0.0, but found std={std:g}")
        exponents = scaled(self._scalar_normals(math.prod(shape)), std, mean)
        return _rounded(_each(_exp, exponents), dtype).reshape(shape)

    def exponential(self, rate: float, shape: Sequence[int], dtype: DType) -> Array:
        """Tensor.exponential_(lambd=rate)."""
        if math.prod(shape):
            _require_continuous(dtype, "Exponential", TYPE_NAMES)
        if not rate > 0:
            raise UserError("value", f"exponential_ expects lambda > 0.0, but found lambda={rate:g}")
        logarithms = _each(math.log1p, -self._doubles(math.prod(shape)))
        return _rounded(scaled(logarithms, -1.0 / rate, 0.0), dtype).reshape(shape)

    def cauchy(self, median: float, sigma: float, shape: Sequence[int], dtype: DType) -> Array:
        """Tensor.cauchy_(median, sigma)."""
        _require_continuous(dtype, "Cauchy", C_NAMES)
        if not sigma > 0:
            raise UserError("value", f"cauchy_ expects sigma > 0.0, but found sigma={sigma:g}")
        tangents = _each(math.tan, math.pi * (self._doubles(math.prod(shape)) - 0.5))
        return _rounded(scaled(tangents, sigma, median), dtype).reshape(shape)

    def geometric(self, p: float, shape: Sequence[int], dtype: DType) -> Array:
        """Tensor.geometric_(p): trials up to the first success, in a real or integer dtype."""
        _require(dtype, "fiu", "geometric_cpu")
        if not 0 < p < 1:
            raise UserError("value", f"geometric_ expects p to be in (0, 1), but got p={p:g}")
        logarithms = _each(log_or_infinity, self._doubles(math.prod(shape)))
        with np.errstate(over="ignore"):
            trials = np.ceil(logarithms / math.log1p(-p))
        return _rounded(trials, dtype).reshape(shape)

    def bernoulli(self, p: float | Array, shape: Sequence[int], dtype: DType) -> Array:
        """Ones with probability `p`, else zeros: Tensor.bernoulli_(p), and torch.bernoulli for an array.

        An array of probabilities is broadcast to `shape`; its own dtype decides how many words are drawn.
        """
        size = math.prod(shape)
        if not isinstance(p, np.ndarray):
            _require(dtype, "fiub", "bernoulli_scalar_cpu_")
            if not 0 <= p <= 1:
                raise UserError("value", f"bernoulli_ expects p to be in [0, 1], but got p={p:g}")
            return (self._doubles(size) < p).astype(dtype).reshape(shape)
        _require(dtype, "fiub", "bernoulli_tensor_cpu_self_")
        if not size:
            return np.zeros(shape, dtype)
        _require(p.dtype, "f", "bernoulli_tensor_cpu_p_")
        if not np.all((p >= 0) & (p <= 1)):
            raise UserError("value", "Expected p_in >= 0 && p_in <= 1 to be true, but got false")
        fractions = self._doubles(size) if p.dtype.name == "float64" else self._singles(size)
        return (fractions.reshape(shape) < np.broadcast_to(p, shape)).astype(dtype)

    def randint(self, low: int, high: int, shape: Sequence[int], dtype: DType) -> Array:
        """torch.randint and Tensor.random_(low, high): whole numbers from `low` to `high` - 1."""
        if not (-(2**63) <= low < 2**63 and -(2**63) <= high < 2**63):
            raise UserError("value", f"Overflow when unpacking long long: {low} to {high} are no 64-bit bounds")
        if low >= high:
            raise UserError("value", f"random_ expects 'from' to be less than 'to', but got from={low} >= to={high}")
        if dtype_kind(dtype) == "c":
            raise UserError("type", "check_random_bounds handles only integral, floating-point and boolean types")
        _check_integer_bounds(low, high, dtype)
        if dtype_kind(dtype) == "f":
            low, high = _representable_bounds(low, high, dtype)
        size, span = math.prod(shape), high - low
        # the remainder of a longer word is spread more evenly over a wide range
        words = self._draw_64(size) if span >= 2**28 else self._draw(size).astype(np.uint64)
        values = (words % np.uint64(span)).astype(np.int64) + np.int64(low)
        return values.astype(dtype).reshape(shape)

    def random(self, shape: Sequence[int], dtype: DType) -> Array:
        """Tensor.random_(): whole numbers from 0 to the largest, in floats to the largest counted exactly."""
        _require(dtype, "fiub", "random_kernel_cpu")
        size = math.prod(shape)
        two_words = dtype.name in ("int64", "float64")
        words = self._draw_64(size) if two_words else self._draw(size).astype(np.uint64)
        return (words % np.uint64(_largest_integer(dtype) + 1)).astype(dtype).reshape(shape)

    def randperm(self, n: int, dtype: DType) -> Array:
        """torch.randperm: the numbers 0 to `n` - 1 in random order."""
        if n < 0:
            raise UserError("value", f"Trying to create tensor with negative dimension {n}: [{n}]")
        _require(dtype, "fiu", "randperm")
        if n > _largest_integer(dtype) + 1:
            limit = _largest_integer(dtype) + 1
            raise UserError("value", f"n cannot be greater than {limit} for {TYPE_NAMES[dtype.name]} type.")
        jumps = self._draw(max(n - 1, 0)) % np.arange(n, 1, -1, dtype=np.uint32)
        order = list(range(n))
        for place, jump in enumerate(jumps.tolist()):
            order[place], order[place + jump] = order[place + jump], order[place]
        return np.array(order, dtype=dtype)

    def poisson(self, rates: Array) -> Array:
        """torch.poisson: for every rate a whole number with that mean."""
        _require(rates.dtype, "f", "poisson_cpu")
        if not np.all(rates >= 0):
            raise UserError("value", "invalid Poisson rate, expected rate to be non-negative")
        drawn = [poisson(self._double, rate) for rate in rates.ravel().tolist()]
        return np.array(drawn, np.float64).astype(rates.dtype).reshape(rates.shape)

    def binomial(self, counts: Array, probabilities: Array) -> Array:
        """torch.binomial, of arrays of one shape: how many of so many trials succeed with such a probability."""
        for name, array in (("count", counts), ("prob", probabilities)):
            if dtype_kind(array.dtype) != "f":
                kind = TYPE_NAMES[array.dtype.name]
                raise UserError("value", f"binomial only supports floating-point dtypes for {name}, got: {kind}")
        if counts.dtype != probabilities.dtype:
            found, expected = (TYPE_NAMES[array.dtype.name] for array in (probabilities, counts))
            raise UserError("type", f"Found dtype {found} but expected {expected}")
        if is_reduced(counts.dtype):
            raise UserError("type", f"\"binomial_cpu\" not implemented for '{TYPE_NAMES[counts.dtype.name]}'")
        trials = zip(counts.ravel().tolist(), probabilities.ravel().tolist(), strict=True)
        drawn = [binomial(self._double, count, probability) for count, probability in trials]
        return np.array(drawn, counts.dtype).reshape(counts.shape)

    def multinomial(self, weights: Array, count: int, replacement: bool) -> Array:
        """torch.multinomial: `count` places of each row, each drawn with its weight."""
        if not 0 < weights.ndim <= 2:
            raise UserError("shape", "prob_dist must be 1 or 2 dim")
        if dtype_kind(weights.dtype) != "f":
            name = TYPE_NAMES[weights.dtype.name]
            raise UserError("type", f"multinomial only supports floating-point dtypes for input, got: {name}")
        if count <= 0:
            raise UserError("value", "cannot sample n_sample <= 0 samples")
        if not replacement and count > weights.shape[-1]:
            raise UserError("value", "cannot sample n_sample > prob_dist.size(-1) samples without replacement")
        if not np.all((weights >= 0) & np.isfinite(weights)):
            raise UserError("value", "probability tensor contains either `inf`, `nan` or element < 0")
        if not np.all(weights.sum(axis=-1) > 0):
            raise UserError("value", "invalid multinomial distribution (sum of probabilities <= 0)")
        if replacement and count > 1:
            rows = [self._places(row, count) for row in weights.reshape(-1, weights.shape[-1])]
            return np.stack(rows).reshape(*weights.shape[:-1], count)
        with np.errstate(divide="ignore", invalid="ignore"):
            race = weights / self.exponential(1.0, weights.shape, weights.dtype)
        return np.argsort(-race, axis=-1, kind="stable")[..., :count]

    def _places(self, weights: Array, count: int) -> Array:
        """`count` places, each found by one uniform number among the cumulated weights."""
        bounds = np.cumsum(weights, dtype=_computation_dtype(weights.dtype))
        bounds /= bounds[-1]
        bounds[-1] = 1
        return np.searchsorted(bounds.astype(np.float64), self._doubles(count))

    def _double(self) -> float:
        """The next of `_doubles`, as a number."""
        words = self._words or self._start()
        upper, lower = words.getrandbits(32), words.getrandbits(32)
        return float((upper << 32 | lower) & (2**53 - 1)) * 2**-53

    def _start(self) -> Random:
        """Seeds the words as torch does; Python's own seeding would mix the seed further."""
        # Importing numpy.random would take longer than a small spec takes to run.
        word = self.initial_seed % 2**32
        words = [word]
        for place in range(1, STATE_WORDS):
            word = (1812433253 * (word ^ word >> 30) + place) % 2**32
            words.append(word)
        self._words = Random()
        self._words.setstate((3, (*words, STATE_WORDS), None))
        return self._words

    def _draw(self, count: int) -> Array:
        """The next `count` 32-bit words."""
        words = self._words or self._start()
        # Python draws no more than 2**31 bits at once
        pieces = [words.randbytes(4 * min(WORDS_AT_ONCE, count - start)) for start in range(0, count, WORDS_AT_ONCE)]
        return np.frombuffer(b"".join(pieces), np.dtype("<u4"))

    def _draw_64(self, count: int) -> Array:
        """The next `count` 64-bit words: of two 32-bit words the first is the upper half."""
        words = self._draw(2 * count).astype(np.uint64)
        return words[0::2] << np.uint64(32) | words[1::2]

    def _singles(self, count: int) -> Array:
        """Uniform float32 numbers in [0, 1), a word each."""
        lower = self._draw(count) & np.uint32(2**24 - 1)
        return lower.astype(np.float32) * np.float32(2**-24)

    def _doubles(self, count: int) -> Array:
        """Uniform float64 numbers in [0, 1), two words each."""
        lower = self._draw_64(count) & np.uint64(2**53 - 1)
        return lower.astype(np.float64) * 2**-53

    def _scalar_normals(self, count: int) -> Array:
        """Standard normal float64 numbers in pairs; one that was left over comes first, one may be left."""
        waiting = [] if self._next_normal is None or count == 0 else [self._next_normal]
        pairs = (count - len(waiting) + 1) // 2
        angles, radii = self._doubles(2 * pairs).reshape(pairs, 2).T
        angles = 2 * math.pi * angles
        radii = np.sqrt(-2.0 * _each(math.log1p, -radii))
        drawn = np.stack([radii * _each(math.cos, angles), radii * _each(math.sin, angles)], axis=1)
        normals = np.concatenate([waiting, drawn.ravel()])
        if count:
            self._next_normal = float(normals[count]) if normals.size > count else None
        return normals[:count]

    def _block_normals(self, count: int, dtype: DType) -> Array:
        """`count` >= 16 standard normal numbers for `dtype`, in double precision or else in single.

        Unless they fill whole blocks, the last 16 are a block of their own, which overlaps the one before.
        """
        double = dtype.name == "float64"
        uniform, box_muller = (self._doubles, _box_muller_64) if double else (self._singles, _box_muller_32)
        whole = count - count % BLOCK
        # what is drawn past the whole blocks is never used; for halves it is not even drawn
        fractions = uniform(whole if is_reduced(dtype) else count)[:whole]
        if whole == count:
            return box_muller(fractions)
        normals = box_muller(np.concatenate([fractions, uniform(BLOCK)]))
        return np.concatenate([normals[: count - BLOCK], normals[-BLOCK:]])


def _box_muller_64(fractions: Array) -> Array:
    """Normal numbers from uniform ones: the first half of each block gives radii, the second angles."""
    radii, angles = fractions.reshape(-1, 2, BLOCK // 2).transpose(1, 0, 2)
    radii = np.sqrt(-2.0 * _each(math.log, 1.0 - radii))
    angles = 2 * math.pi * angles
    return np.stack([radii * _each(math.cos, angles), radii * _each(math.sin, angles)], axis=1).ravel()


def _box_muller_32(fractions: Array) -> Array:
    """The same in single precision."""
    normals = np.empty_like(fractions)
    for start in range(0, fractions.size, CHUNK):
        chunk = fractions[start : start + CHUNK]
        radii, angles = chunk.reshape(-1, 2, BLOCK // 2).transpose(1, 0, 2)
        radii = np.sqrt(np.float32(-2) * log(np.float32(1) - radii))
        sines, cosines = sincos(np.float32(2 * math.pi) * angles)
        normals[start : start + CHUNK] = np.stack([radii * cosines, radii * sines], axis=1).ravel()
    return normals


def _each(function: Callable[[float], float], x: Array) -> Array:
    """The C library's `function` of every element of `x`, in float64."""
    return np.fromiter(map(function, x.ravel().tolist()), np.float64, x.size).reshape(x.shape)


def _exp(x: float) -> float:
    try:
        return math.exp(x)
    except OverflowError:
        return math.inf


def _rounded(x: Array, dtype: DType) -> Array:
    """Numbers in `dtype` as C++ converts them."""
    with np.errstate(over="ignore", invalid="ignore"):
        if dtype_kind(dtype) in "iu" and dtype.itemsize < 4:
            x = x.astype(np.int32)
        return converted(x, dtype)


def _computation_dtype(dtype: DType) -> DType:
    """Halves are computed as singles."""
    return np.dtype(np.float64 if dtype.name == "float64" else np.float32)


def _real_part(dtype: DType) -> DType:
    return np.dtype(np.float32 if dtype.name == "complex64" else np.float64)


def _as_complex(parts: Array, shape: Sequence[int]) -> Array:
    """Pairs of real numbers, as complex ones of the given shape."""
    return parts.view(f"c{2 * parts.itemsize}").reshape(shape)


def _largest_integer(dtype: DType) -> int:
    """The largest integer up to which `dtype` holds every one."""
    if dtype_kind(dtype) == "f":
        return 1 << SIGNIFICANT_BITS[dtype.name]
    return 1 if dtype_kind(dtype) == "b" else int(np.iinfo(dtype).max)


def _require(dtype: DType, kinds: str, kernel: str) -> None:
    if dtype_kind(dtype) not in kinds:
        raise UserError("type", f"\"{kernel}\" not implemented for '{TYPE_NAMES[dtype.name]}'")


def _require_continuous(dtype: DType, distribution: str, names: dict[str, str]) -> None:
    if dtype_kind(dtype) != "f":
        raise UserError(
            "type",
            f"{distribution} distribution is a continuous probability distribution. "
            f"dtype must be a floating point but you specified {names[dtype.name]}",
        )


def _check_uniform_bounds(low: float, high: float, dtype: DType) -> None:
    largest = float(finfo(dtype).max)
    for bound, name in ((low, "from"), (high, "to")):
        if not -largest <= bound <= largest:
            raise UserError("value", f"{name} is out of bounds for {C_NAMES[dtype.name]}")
    if low > high:
        raise UserError("value", f"uniform_ expects to return a [from, to) range, but found from={low:g} > to={high:g}")
    if high - low > largest:
        limit = f"std::numeric_limits<{TYPE_NAMES[dtype.name]}>::max()"
        raise UserError(
            "value",
            f"uniform_ expects to-from <= {limit}, but found to={high:g} and from={low:g} "
            "which result in to-from to exceed the limit",
        )


def _check_integer_bounds(low: int, high: int, dtype: DType) -> None:
    if dtype_kind(dtype) == "b":
        smallest, largest = 0, 1
    elif dtype_kind(dtype) == "f":
        largest = int(float(finfo(dtype).max))
        smallest = -largest
    else:
        smallest, largest = int(np.iinfo(dtype).min), int(np.iinfo(dtype).max)
    for bound, name in ((low, "from"), (high - 1, "to - 1")):
        if not smallest <= bound <= largest:
            raise UserError("value", f"{name} is out of bounds for {C_NAMES[dtype.name]}")


def _representable_bounds(low: int, high: int, dtype: DType) -> tuple[int, int]:
    """The bounds moved inwards to where no number between them is rounded out of them."""
    digits = SIGNIFICANT_BITS[dtype.name]

    def nearest(integer: int) -> int:
        return int(np.int64(integer).astype(dtype))

    if (above := nearest(low + 1)) < low:
        low = above + 2 ** (abs(low + 1).bit_length() - digits)
    if (below := nearest(high - 1)) >= high:
        high = below - 2 ** (abs(high - 1).bit_length() - digits)
    return low, high

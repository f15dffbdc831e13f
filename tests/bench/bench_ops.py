"""Microseconds an operation takes on 10 numbers, beside torch: python tests/bench/bench_ops.py [ROUNDS]

Each row builds a chain of 500 operations (forward) and walks it (backward); ours and torch's take turns
within one process, and only its processor time counts, so that the rest of the machine matters little.
Python looks for reference cycles as seldom as it does in a run. Then a chain of 1,000,000 nodes is built, walked
and dropped in a process of its own, for the peak of its memory. Without torch it prints ours only. The target
is at most torch's time in every row.
"""

from __future__ import annotations

import gc
import importlib.util
import itertools
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
LENGTH = 500  # short, so that on a busy machine some rounds are undisturbed
LONG = 1_000_000
LIBRARIES = ("ours", "torch")

Step = Callable[[Any], Any]


@dataclass
class Library:
    """What a benchmark needs of ours or of torch: tensors, operations by name, and the backward walk."""

    tensor: Callable[[Any, bool], Any]
    operations: dict[str, Callable[..., Any]]
    backward: Callable[[Any, Any], None]


@dataclass
class Times:
    """Microseconds an operation, one item a round."""

    forward: list[float] = field(default_factory=list)
    backward: list[float] = field(default_factory=list)

    @property
    def both(self) -> list[float]:
        return [forward + backward for forward, backward in zip(self.forward, self.backward, strict=True)]


def ours() -> Library:
    from gradcli.engine.graph import backward
    from gradcli.engine.tensor import Tensor
    from gradcli.ops import arithmetic, elementary, index, linalg, reduce

    def tensor(array: Any, requires_grad: bool) -> Tensor:
        return Tensor(array.copy()).requires_grad_(requires_grad)

    return Library(
        tensor,
        {
            "mul": arithmetic.mul.call,
            "add": arithmetic.add.call,
            "neg": arithmetic.neg.call,
            "exp": elementary.exp.call,
            "tanh": elementary.tanh.call,
            "sum": lambda self, dim: reduce.sum_dim.call(self, [dim]),
            "matmul": linalg.matmul.call,
            "slice": lambda self, start: index.getitem(self, slice(start, None)),
        },
        lambda root, gradient: backward([root], [gradient]),
    )


def torchs() -> Library:
    import torch

    torch.set_num_threads(1)
    return Library(
        lambda array, requires_grad: torch.tensor(array, requires_grad=requires_grad),
        {
            "mul": torch.mul,
            "add": torch.add,
            "neg": torch.neg,
            "exp": torch.exp,
            "tanh": torch.tanh,
            "sum": torch.sum,
            "matmul": torch.matmul,
            "slice": lambda self, start: self[start:],
        },
        lambda root, gradient: root.backward(gradient),
    )


@dataclass(frozen=True)
class Row:
    """A chain: the shape of its values, how many operations a step has, and what makes the step."""

    name: str
    shape: tuple[int, ...]
    operations: int
    step: Callable[[Library], Step]


def constant(library: Library, shape: tuple[int, ...], requires_grad: bool = False) -> Any:
    import numpy as np

    return library.tensor(np.ones(shape, np.float32), requires_grad)


def mul(library: Library) -> Step:
    other, run = constant(library, (10,)), library.operations["mul"]
    return lambda value: run(value, other)


def mul_of_two(library: Library) -> Step:
    other, run = constant(library, (10,), True), library.operations["mul"]
    return lambda value: run(value, other)


def mul_by_number(library: Library) -> Step:
    run = library.operations["mul"]
    return lambda value: run(value, 1.0)


def add(library: Library) -> Step:
    other, run = constant(library, (10,)), library.operations["add"]
    return lambda value: run(value, other)


def tanh(library: Library) -> Step:
    return library.operations["tanh"]


def exp_of_neg(library: Library) -> Step:
    exp, neg = library.operations["exp"], library.operations["neg"]
    return lambda value: exp(neg(value))


def sum_and_add(library: Library) -> Step:
    other, sum_, add_ = constant(library, (1, 10)), library.operations["sum"], library.operations["add"]
    return lambda value: add_(sum_(value, 0), other)


def matmul(library: Library) -> Step:
    import numpy as np

    other, run = library.tensor(np.eye(3, dtype=np.float32), False), library.operations["matmul"]
    return lambda value: run(value, other)


def slice_and_add(library: Library) -> Step:
    other, slice_, add_ = constant(library, (2, 5)), library.operations["slice"], library.operations["add"]
    return lambda value: add_(slice_(value, 1), other)


ROWS = (
    Row("x * c", (10,), 1, mul),
    Row("x * w", (10,), 1, mul_of_two),
    Row("x * 1.0", (10,), 1, mul_by_number),
    Row("x + c", (10,), 1, add),
    Row("tanh(x)", (10,), 1, tanh),
    Row("exp(-x)", (10,), 2, exp_of_neg),
    Row("x.sum(0) + c", (1, 10), 2, sum_and_add),
    Row("x @ c, 3x3", (3, 3), 1, matmul),
    Row("x[1:] + c, 2x5", (2, 5), 2, slice_and_add),
)


def measure(library: Library, row: Row, times: Times) -> None:
    """One round of `row`."""
    start, gradient = constant(library, row.shape, True), constant(library, row.shape)
    step = row.step(library)
    gc.collect()
    begin = time.process_time()
    value = start
    for _ in range(LENGTH // row.operations):
        value = step(value)
    built = time.process_time()
    library.backward(value, gradient)
    walked = time.process_time()
    assert start.grad is not None
    times.forward.append(1e6 * (built - begin) / LENGTH)
    times.backward.append(1e6 * (walked - built) / LENGTH)


def as_in_a_run() -> None:
    """What `gradcli run` does about the garbage collector, for both libraries alike."""
    from gradcli.collector import relax

    gc.disable()  # as it is while a run starts
    relax()


def compare(rounds: int) -> None:
    """Prints the table of all rows."""
    libraries = {"ours": ours()}
    if importlib.util.find_spec("torch") is not None:
        libraries["torch"] = torchs()
    as_in_a_run()
    times = {row: {name: Times() for name in libraries} for row in ROWS}
    for turn in range(rounds + 1):
        for row in ROWS:
            order = list(libraries) if turn % 2 else list(libraries)[::-1]
            for name in order:
                # the first round generates and warms
                measure(libraries[name], row, times[row][name] if turn else Times())
    heading = "  ".join(f"{name:^27}" for name in libraries)
    print(f"{'microseconds an operation:':<16}{heading:>{len(heading) + 2}}")
    columns = f"{'fwd':>6} {'bwd':>6} {'both':>6} {'median':>6}"
    print(f"{'':<28}" + "  ".join(columns for _ in libraries) + f"   {'ratio':>6} {'median':>6}")
    for row, by_library in times.items():
        cells = [
            f"{min(found.forward):6.2f} {min(found.backward):6.2f} {min(found.both):6.2f} "
            f"{statistics.median(found.both):6.2f}"
            for found in by_library.values()
        ]
        print(f"{row.name:<28}" + "  ".join(cells) + ratios(by_library))


def ratios(by_library: dict[str, Times]) -> str:
    """Our time by torch's, of the fastest rounds and in the middle of the rounds."""
    if "torch" not in by_library:
        return ""
    mine, other = by_library["ours"].both, by_library["torch"].both
    middle = statistics.median(one / two for one, two in zip(mine, other, strict=True))
    return f"   {min(mine) / min(other):6.2f} {middle:6.2f}"


def peak() -> float:
    """The largest memory this process has had, in MB."""
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return used / 1e6 if sys.platform == "darwin" else used / 1e3


def long_chain(name: str) -> None:
    """Builds, walks and drops the long chain in this process, and prints seconds and MB."""
    library = ours() if name == "ours" else torchs()
    start, gradient = constant(library, (10,), True), constant(library, (10,))
    step = mul(library)
    library.backward(step(start), gradient)
    as_in_a_run()
    before = peak()
    times = [time.process_time()]
    value = start
    for _ in range(LONG):
        value = step(value)
    times.append(time.process_time())
    library.backward(value, gradient)
    times.append(time.process_time())
    value = None
    times.append(time.process_time())
    forward, backward, drop = (after - first for first, after in itertools.pairwise(times))
    print(
        f"{name:<6} forward {forward:5.2f} s, backward {backward:5.2f} s, drop {drop:5.2f} s, "
        f"{peak() - before:6.0f} MB above the {before:.0f} MB before"
    )


def main() -> None:
    if sys.argv[1:2] == ["--long-chain"]:
        long_chain(sys.argv[2])
        return
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    print(f"a chain of {LONG:,} nodes, x * c:", flush=True)
    for name in LIBRARIES:  # before the other benchmark: a process begins with its parent's peak
        if name == "ours" or importlib.util.find_spec("torch") is not None:
            command = [sys.executable, __file__, "--long-chain", name]
            subprocess.run(command, check=True, env=environment)
    print(flush=True)
    compare(int(sys.argv[1]) if len(sys.argv) > 1 else 60)


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    main()

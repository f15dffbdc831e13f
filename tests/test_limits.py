"""How much a run may take: memory, time, and what a spec may ask for before anything is computed."""

from __future__ import annotations

import contextlib
import gc
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import gradcli
from gradcli import deadline
from gradcli.cli.sizes import parse_size
from gradcli.engine import memory
from gradcli.errors import UserError, UserErrors
from gradcli.report.model import Report
from gradcli.runner import run
from gradcli.spec.document import load_specs
from gradcli.spec.source import Source

MIB = 2**20
ROOT = Path(gradcli.__file__).parents[1]


def report(text: str, **options: Any) -> Report:
    (spec,) = load_specs(Source("spec.yaml", text))
    return run(spec, **options)


def error_of(text: str, **options: Any) -> UserError:
    error = report(text, **options).error
    assert error is not None
    return error


# bombs

ALIASES = ["a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]"] + [
    f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 10)}]" for level in range(1, 10)
]


@pytest.mark.parametrize(
    ("text", "kind", "message"),
    [
        (
            'tensors: {x: "randn(1000000, 1000000)"}',
            "limit",
            "a tensor of shape [1000000, 1000000] of float32 needs 3.6 TiB, and all together may take ",
        ),
        ("pipeline: [x: 9**9**9]", "value", "9 ** 387420489 is too large for int64"),
        (
            f"pipeline: [x: '{'(' * 100_000}']",
            "limit",
            "too many brackets and prefix operators inside each other: the limit is 64",
        ),
        (f"params: {{{', '.join(ALIASES)}}}", "limit", "too many values, with aliases written out"),
        ("tensors: {x: 'randperm(10**13)'}", "limit", "a tensor of shape [10000000000000] of int64 needs 72.8 TiB"),
        ("tensors: {x: 'zeros(10**18, 10**18)'}", "limit", "of float32 needs 3.5e+18 EiB"),
    ],
)
def test_bombs(text: str, kind: str, message: str) -> None:
    try:
        error = error_of(text)
    except UserErrors as several:
        (error,) = several.errors
    except UserError as one:
        error = one
    assert error.kind == kind and message in error.message and "\n" not in error.message
    assert len(error.message) < 200


# memory


@pytest.mark.parametrize(
    ("expression", "what"),
    [
        ("ones(20000, 20000)", "a tensor of shape [20000, 20000] of float32 needs 1.5 GiB"),
        ("zeros(20000, 20000, dtype=float64)", "a tensor of shape [20000, 20000] of float64 needs 3.0 GiB"),
        ("full((20000, 20000), 1)", "a tensor of shape [20000, 20000] of int64 needs 3.0 GiB"),
        ("rand(20000, 20000)", "a tensor of shape [20000, 20000] of float32 needs 1.5 GiB"),
        ("randint(5, (20000, 20000))", "a tensor of shape [20000, 20000] of int64 needs 3.0 GiB"),
        ("arange(300000000)", "a tensor of shape [300000000] of int64 needs 2.2 GiB"),
        ("eye(20000)", "a tensor of shape [20000, 20000] of float32 needs 1.5 GiB"),
        ("x[:, None] * x", "a tensor of shape [20000, 20000] of float32 needs 1.5 GiB"),
        ("x[:, None] @ x[None]", "a tensor of shape [20000, 20000] of float32 needs 1.5 GiB"),
        ("x.expand(20000, 20000).contiguous()", "a tensor of shape [20000, 20000] of float32 needs 1.5 GiB"),
        ("x.expand(20000, 20000).clone()", "a tensor of shape [20000, 20000] of float32 needs 1.5 GiB"),
        ("x.expand(20000, 20000).tolist()", "there is not enough memory for this"),
    ],
)
def test_a_run_takes_no_more_than_it_may(expression: str, what: str) -> None:
    limits = resource.getrlimit(resource.RLIMIT_AS)
    error = error_of(f"tensors: {{x: ones(20000)}}\npipeline:\n- y: '{expression}'\n", max_memory=16 * MIB)
    assert error.kind == "limit" and error.message == f"{what}, and all together may take 16.0 MiB"
    assert error.hint == "`--max-memory` allows more"
    assert error.span is not None and (error.span.line, error.span.column) == (3, 7)
    assert resource.getrlimit(resource.RLIMIT_AS) == limits and memory.budget.bytes is None


def test_tensors_add_up() -> None:
    text = """
        tensors: {x: {data: "ones(1000, 1000)", requires_grad: true}}
        pipeline:
          - repeat: {times: 200, steps: [x: x.sin()]}
          - backward: x.sum()
        """
    error = error_of(text, max_memory=64 * MIB)
    assert (
        error.message == "a tensor of shape [1000, 1000] of float32 needs 3.8 MiB, and all together may take 64.0 MiB"
    )
    assert error.span is not None and error.span.line == 4
    assert report(text.replace("200", "3"), max_memory=64 * MIB).ok


def test_a_backward_that_takes_too_much() -> None:
    text = """
        tensors: {x: {data: "ones(20000)", requires_grad: true}}
        pipeline:
          - y: x.expand(20000, 20000)
          - backward: {of: y, gradient: "ones(()).expand(20000, 20000)"}
        """
    ended = report(text, max_memory=16 * MIB)
    if ended.error is not None:  # the sum over the rows may or may not need a copy
        assert ended.error.kind == "limit" and ended.error.span is not None and ended.error.span.line == 5


def test_what_cannot_be_shown() -> None:
    error = error_of("tensors: {x: ones(1)}\npipeline: [y: 'x.expand(10**8)', print: y]\n", max_memory=16 * MIB)
    assert error.message.startswith("a tensor of shape [100000000] of float32 needs 381 MiB")


def test_the_next_run_has_all_again() -> None:
    for _ in range(3):
        text = "tensors: {x: 'ones(2000, 2000)', y: x + 1}\npipeline: [z: 'x.expand(100, 2000, 2000) + 1']\n"
        assert error_of(text, max_memory=64 * MIB).message.startswith("a tensor of shape [100, 2000, 2000]")


def test_a_matrix_product_at_the_limit_does_not_end_the_process(tmp_path: Path) -> None:
    """The BLAS takes its own buffer at the first product, and would end the process without a word of ours."""
    (tmp_path / "a.yaml").write_text("tensors: {x: 'ones(200, 200)'}\npipeline: [{y: x @ x}, {print: 'y[0, 0]'}]\n")
    command = [sys.executable, "-m", "gradcli", "run", "a.yaml", "--max-memory", "1MiB"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    ended = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60)
    assert (ended.returncode, ended.stdout) == (0, "tensor(200.)\n"), ended.stderr


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("4096", 4096),
        ("1k", 1024),
        ("2GiB", 2 * 2**30),
        ("1.5G", 3 * 2**29),
        ("500MB", 500_000_000),
        (" .5 tb ", 500_000_000_000),
        ("10B", 10),
        ("3.KiB", 3072),
        ("", None),
        ("G", None),
        ("-1", None),
        ("1PB", None),
        ("1e3", None),
        ("inf", None),
    ],
)
def test_sizes(text: str, size: int | None) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0 bytes"), (1023, "1023 bytes"), (1024, "1.0 KiB"), (4 * 10**12, "3.6 TiB"), (2**63, "8.0 EiB")],
)
def test_how_sizes_are_shown(size: int, text: str) -> None:
    assert memory.shown(size) == text


GROUP_2 = {"memory.max": "3000000", "memory.current": "1500000", "memory.stat": "anon 1\ninactive_file 500000\n"}
GROUP_1 = {
    "memory.limit_in_bytes": "2000000",
    "memory.usage_in_bytes": "1500000",
    "memory.stat": "inactive_file 1\ntotal_inactive_file 100000\n",
}
UNLIMITED_1 = {**GROUP_1, "memory.limit_in_bytes": "9223372036854771712"}


@pytest.mark.parametrize(
    ("cgroup", "groups", "available"),
    [
        ("", {}, 8_192_000),
        ("0::/\n", {"sys/fs/cgroup": GROUP_2}, 2_000_000),
        ("0::/a/b\n", {"sys/fs/cgroup/a": GROUP_2, "sys/fs/cgroup/a/b": {**GROUP_2, "memory.max": "max"}}, 2_000_000),
        ("0::/of/the/host\n", {"sys/fs/cgroup": GROUP_2}, 2_000_000),
        ("0::/\n", {"sys/fs/cgroup": {**GROUP_2, "memory.current": "4000000"}}, 0),
        ("5:cpu:/x\n4:memory:/a\n", {"sys/fs/cgroup/memory/a": GROUP_1, "sys/fs/cgroup/memory": UNLIMITED_1}, 600_000),
        ("4:cpu,memory:/\n0::/\n", {"sys/fs/cgroup/memory": UNLIMITED_1}, 8_192_000),
    ],
)
def test_what_is_available(cgroup: str, groups: dict[str, dict[str, str]], available: int, tmp_path: Path) -> None:
    (tmp_path / "proc/self").mkdir(parents=True)
    (tmp_path / "proc/meminfo").write_text("MemTotal:  120000 kB\nMemAvailable:   8000 kB\nBuffers: 1 kB\n")
    (tmp_path / "proc/self/cgroup").write_text(cgroup)
    for group, files in groups.items():
        (tmp_path / group).mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            (tmp_path / group / name).write_text(content)
    assert memory.available(tmp_path) == available


def test_what_is_available_without_proc(tmp_path: Path) -> None:
    assert memory.available(tmp_path) == os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


# time

ENDLESS = "while: {condition: x > 0, at_most: 1000000000, steps: [x: x + 1]}"


@pytest.fixture(params=["interval", "thread"])
def timer(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Each way to a signal. Without hypothesis's hook in the garbage collector, where it would be reported as lost."""
    if request.param == "thread":
        monkeypatch.setattr(deadline, "_timer", lambda: (deadline._thread_timer, signal.SIGINT))
    gc.disable()
    yield
    gc.enable()


@pytest.mark.parametrize(
    "text",
    [
        f"pipeline:\n- x: 1\n- {ENDLESS}\n",
        f"pipeline:\n- x: 1\n- expect_error: {{match: longer, steps: [{ENDLESS}]}}\n",
        f"tensors: {{w: 'ones(2, requires_grad=True)'}}\npipeline:\n- {{no_grad: [x: 1, {ENDLESS}]}}\n",
    ],
)
def test_a_run_ends_in_time(text: str, timer: None) -> None:
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGALRM)
    ended = report(text, timeout=0.2)
    error = ended.error
    assert error is not None and (error.kind, error.message) == ("limit", "it runs longer than 0.2 seconds")
    assert error.span is not None and error.span.line == 3
    (x,) = [binding for binding in ended.bindings if binding.name == "x"]
    assert x.value > 1
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGALRM)) == before
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)
    # the next run is as any other
    assert report("tensors: {v: 'ones(2, requires_grad=True)'}\npipeline: [backward: v.sum()]\n", timeout=10).ok


def test_a_run_in_time_is_not_disturbed(timer: None) -> None:
    assert report("tensors: {x: ones(3)}\npipeline: [expect: {x.sum(): 3}]\n", timeout=1e12).ok


def test_an_expression_that_is_asked_for_has_a_limit_too(timer: None) -> None:
    numbers = " + ".join(["x"] * 3000)
    error = error_of("tensors: {x: ones(3)}\n", get=[f"({numbers}).sum()"] * 1000, timeout=0.2)
    assert error.kind == "limit"


def test_other_specs_run_after_one_that_ran_too_long(tmp_path: Path) -> None:
    (tmp_path / "long.yaml").write_text(f"pipeline:\n- x: 1\n- {ENDLESS}\n")
    (tmp_path / "short.yaml").write_text("pipeline: [print: 1 + 1]\n")
    command = [sys.executable, "-m", "gradcli", "run", "long.yaml", "short.yaml", "--timeout", "0.5"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    ended = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60)
    assert (ended.returncode, ended.stdout) == (2, "2\n")
    assert ended.stderr.startswith("error: long.yaml:3:") and "it runs longer than 0.5 seconds" in ended.stderr


def test_an_interruption_by_the_user_is_none_by_the_clock(timer: None) -> None:
    with pytest.raises(KeyboardInterrupt), deadline.limited(20):
        signal.raise_signal(signal.SIGINT)
        wait(lambda: False)


def test_a_signal_that_is_lost_comes_again(timer: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deadline, "AGAIN", 0.01)
    with pytest.raises(deadline.Expired), deadline.limited(0.01):
        with contextlib.suppress(deadline.Expired):
            wait(lambda: False)
        wait(lambda: False)


def test_the_clock_stops_with_the_run(timer: None) -> None:
    with deadline.limited(0.05):
        pass
    with pytest.raises(deadline.Expired), deadline.limited(0.05):
        wait(lambda: False)
    later = time.monotonic() + 0.2
    wait(lambda: time.monotonic() > later)


def wait(over: Callable[[], bool]) -> None:
    """Works for a while, so that a signal would come."""
    end = time.monotonic() + 20
    while time.monotonic() < end and not over():
        pass

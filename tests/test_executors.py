"""Where the specs of a suite run: in other processes, which may end, and on a Dask cluster."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Executor, Future
from pathlib import Path
from typing import Any

import pytest

import gradcli as gradcli_package
from gradcli.suite.executors import Died, Serial
from gradcli.suite.processes import Processes
from tests.command_line import Ended
from tests.test_suite import ENDLESS, FAILING, GOOD, MISTAKEN, folder, gradcli, objects, ticks

__all__ = ["folder", "gradcli"]

CALM = "params: {n: 1}\npipeline:\n  - repeat: {times: 3000, steps: [{m: n + 1}]}\n"


def fail(message: str) -> None:
    raise ValueError(message)


def unanswerable() -> object:
    return lambda: None


@pytest.fixture(params=["serial", "processes"])
def executor(request: pytest.FixtureRequest) -> Iterator[Executor]:
    with Serial() if request.param == "serial" else Processes(2) as made:
        yield made


def test_an_executor_gives_what_a_call_returns_or_raises(executor: Executor) -> None:
    futures = [executor.submit(pow, base, 2) for base in range(5)]
    failed = executor.submit(fail, "no")
    assert [future.result() for future in futures] == [0, 1, 4, 9, 16]
    with pytest.raises(ValueError, match="no"):
        failed.result()
    assert executor.submit(int, "11", base=2).result() == 3


def test_a_process_that_ends_takes_only_its_own_call_along() -> None:
    with Processes(2) as executor:
        calls: list[Future[Any]] = [executor.submit(abs, -place) for place in range(5)]
        calls.insert(2, executor.submit(os._exit, 3))
        died = calls[2].exception()
        assert isinstance(died, Died) and died.code == 3 and died.seconds >= 0
        assert [call.result() for place, call in enumerate(calls) if place != 2] == [0, 1, 2, 3, 4]
        killed = executor.submit(_kill_itself)
        error = killed.exception()
        assert isinstance(error, Died) and error.code == -signal.SIGKILL


def _kill_itself() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def test_an_answer_that_cannot_be_sent_is_an_error() -> None:
    with Processes(1) as executor:
        assert "lambda" in str(executor.submit(unanswerable).exception())
        assert executor.submit(abs, -1).result() == 1


def test_what_a_call_prints_comes_not_between_the_answers(capfd: pytest.CaptureFixture[str]) -> None:
    with Processes(1) as executor:
        executor.submit(print, "hello", flush=True).result()
        assert executor.submit(abs, -1).result() == 1
    assert capfd.readouterr() == ("", "hello\n")


def test_what_runs_is_ended_at_once_if_it_is_cancelled() -> None:
    executor = Processes(1)
    running, waiting = executor.submit(time.sleep, 600), executor.submit(abs, -1)
    while not running.running():
        time.sleep(0.01)
    executor.shutdown(cancel_futures=True)
    assert waiting.cancelled() and isinstance(running.exception(), (Died, CancelledError))
    assert threading.active_count() == 1 or not any("ThreadPool" in thread.name for thread in threading.enumerate())


def test_modules_are_found_as_they_are_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("numpy.py").write_text("raise SystemExit(1)")
    Path("pickle.py").write_text("raise SystemExit(1)")
    with Processes(1) as executor:
        assert executor.submit(abs, -1).result() == 1


# a test run


def test_the_order_of_the_output_is_that_of_the_input(
    folder: Callable[..., None], gradcli: Callable[..., Ended]
) -> None:
    folder(a=CALM, b=FAILING, c=GOOD, d=MISTAKEN, e=GOOD)
    alone, together = gradcli("."), gradcli(".", "-j", "3")
    assert together == alone
    assert ticks(together[1]) == ["✓ a.yaml", "✗ b.yaml", "✓ c.yaml", "✗ d.yaml", "✓ e.yaml"]
    lines = [{**line, "seconds": 0} for line in objects(gradcli(".", "-j", "2", "--json")[1])]
    assert lines == [{**line, "seconds": 0} for line in objects(gradcli(".", "--json")[1])]


def test_options_reach_the_processes(folder: Callable[..., None], gradcli: Callable[..., Ended]) -> None:
    folder(a="params: {n: 1}\npipeline: [{expect: {n: 5}}]\n", endless=ENDLESS, big="tensors: {x: 'ones(3, 10**9)'}\n")
    assert gradcli("a.yaml", "--set", "n=5", "-j", "0")[0] == 0
    out = gradcli(".", "--timeout", "0.2", "--max-memory", "1MiB", "-j", "1")[1]
    assert "it runs longer than 0 ms" in out.replace("0.2 seconds", "0 ms") and "take 1.0 MiB" in out


def test_a_deep_expression_reaches_a_process(folder: Callable[..., None], gradcli: Callable[..., Ended]) -> None:
    folder(a=f"pipeline: [{{y: {' + '.join(['1'] * 1000)}}}, {{expect: {{y: 1000}}}}]\n")
    assert gradcli("a.yaml", "-j", "1")[0] == 0


def started(*arguments: str) -> subprocess.Popen[str]:
    """A test run in a process of its own that is led by it alone."""
    environment = {**os.environ, "PYTHONPATH": str(Path(gradcli_package.__file__).parents[1])}
    command = [sys.executable, "-m", "gradcli", "test", *arguments]
    return subprocess.Popen(
        command, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8"
    )


def children(pid: int) -> list[int]:
    return [
        int(child) for task in Path(f"/proc/{pid}/task").iterdir() for child in (task / "children").read_text().split()
    ]


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


linux = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="finds processes as Linux shows them")


@linux
def test_a_killed_process_is_the_failure_of_its_spec(folder: Callable[..., None]) -> None:
    folder(a=GOOD, b=ENDLESS, c=GOOD, d=GOOD)
    run = started(".", "-j", "1")
    assert run.stdout is not None
    first = run.stdout.readline()
    (process,) = children(run.pid)
    os.kill(process, signal.SIGKILL)
    out, err = run.communicate(timeout=60)
    assert (run.returncode, err) == (1, "")
    assert ticks(first + out) == ["✓ a.yaml", "✗ b.yaml", "✓ c.yaml", "✓ d.yaml"]
    assert "stopped by an error\n" in out
    assert "error: b.yaml: its process was killed\n  the system does so when there is no memory left\n" in out


@linux
@pytest.mark.parametrize(("ended_by", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, -15), (signal.SIGKILL, -9)])
def test_no_process_outlives_the_run(ended_by: signal.Signals, status: int, folder: Callable[..., None]) -> None:
    folder(a=ENDLESS, b=ENDLESS)
    run = started(".", "-j", "2")
    while len(children(run.pid)) < 2:
        time.sleep(0.05)
    processes = children(run.pid)
    time.sleep(1)
    run.send_signal(ended_by)
    try:
        _, err = run.communicate(timeout=60)
        assert run.returncode == status and err == ("interrupted\n" if status == 130 else "")
        deadline = time.monotonic() + 30
        while any(map(is_alive, processes)):
            assert time.monotonic() < deadline
            time.sleep(0.05)
    finally:
        for process in (run.pid, *filter(is_alive, processes)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)


def test_the_first_failure_ends_what_runs(folder: Callable[..., None], gradcli: Callable[..., Ended]) -> None:
    folder(a=FAILING, b=ENDLESS, c=ENDLESS)
    status, out, _ = gradcli(".", "-j", "2", "--fail-fast")
    assert (status, ticks(out)) == (1, ["✗ a.yaml"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-j", "-1"], "invalid value for '-j' / '--jobs': -1 is not in the range x>=0"),
        (["-j", "2", "--dask", "tcp://127.0.0.1:1"], "invalid value for -j: it cannot be combined with --dask"),
    ],
)
def test_where_nothing_can_run(
    arguments: list[str], message: str, folder: Callable[..., None], gradcli: Callable[..., Ended]
) -> None:
    folder(a=GOOD)
    status, out, err = gradcli("a.yaml", *arguments)
    assert (status, out) == (2, "") and err.startswith(f"error: {message}")


# Dask


def test_without_dask_it_says_what_to_install(
    folder: Callable[..., None], gradcli: Callable[..., Ended], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder(a=GOOD)
    monkeypatch.setitem(sys.modules, "distributed", None)
    status, _, err = gradcli("a.yaml", "--dask", "tcp://127.0.0.1:1")
    assert status == 2
    assert err.startswith("error: invalid value for --dask: Dask is not installed; install `gradcli[dask]`\n")


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(n_workers=1, threads_per_worker=2, dashboard_address=None, host="127.0.0.1") as made:
        yield made


@pytest.mark.filterwarnings("ignore")
class TestDask:
    def test_it_says_the_same(self, cluster: Any, folder: Callable[..., None], gradcli: Callable[..., Ended]) -> None:
        folder(
            a=CALM, b=FAILING, c=GOOD, d=MISTAKEN, load="tensors: {x: {load: x.json}}\npipeline: [{expect: {x: 1}}]\n"
        )
        Path("x.json").write_text("1")
        together = gradcli(".", "--dask", cluster.scheduler_address)
        assert together == gradcli(".")
        assert ticks(together[1]) == ["✓ a.yaml", "✗ b.yaml", "✓ c.yaml", "✗ d.yaml", "✓ load.yaml"]

    def test_a_time_limit_holds(self, cluster: Any, folder: Callable[..., None], gradcli: Callable[..., Ended]) -> None:
        folder(a=GOOD, b=ENDLESS)
        status, out, _ = gradcli(".", "--dask", cluster.scheduler_address, "--timeout", "1")
        assert (status, ticks(out)) == (1, ["✓ a.yaml", "✗ b.yaml"])
        assert "it runs longer than" in out

    def test_a_process_that_ends_is_the_failure_of_its_call(self, cluster: Any) -> None:
        from gradcli.suite.cluster import Dask

        with Dask(cluster.scheduler_address) as executor:
            killed, other = executor.submit(_kill_itself), executor.submit(abs, -1)
            assert isinstance(killed.exception(), Died) and other.result() == 1

    def test_a_scheduler_that_does_not_answer(
        self, cluster: Any, folder: Callable[..., None], gradcli: Callable[..., Ended], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("gradcli.suite.cluster._PATIENCE", 0.5)
        folder(a=GOOD)
        for address in ("tcp://127.0.0.1:1", "nonsense"):
            status, out, err = gradcli("a.yaml", "--dask", address)
            assert (status, out) == (2, "")
            assert err.startswith(f"error: invalid value for --dask: no scheduler answers at `{address}`: ")

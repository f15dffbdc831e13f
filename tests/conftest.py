"""Command lines, reports made by hand, golden files. `pytest --update-golden` writes the latter: read what changed."""

from __future__ import annotations

import contextlib
import io
import math
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import hypothesis
import numpy as np
import pytest

from gradcli.cli import app, exits
from gradcli.errors import Span, UserError
from gradcli.record import replace
from gradcli.report.model import (
    Binding,
    Expectation,
    Gradient,
    Printed,
    Report,
    StepReport,
    TensorState,
    Warned,
)

from .command_line import Ended

# how long an example takes is the machine's business
hypothesis.settings.register_profile("gradcli", deadline=None)
hypothesis.settings.load_profile("gradcli")

GOLDEN = Path(__file__).parent / "golden"

# What torch 2.13 answers to its own quickstart of automatic differentiation under manual_seed(0).
_GRAD_ROW = [0.2660868167877197, 0.1179412305355072, 0.002686853753402829]
_B = [0.1227012425661087, -0.5663174986839294, 0.3731146454811096]
_W = [
    [1.5409960746765137, -0.293428897857666, -2.1787893772125244],
    [0.5684312582015991, -1.0845223665237427, -1.3985954523086548],
    [0.40334683656692505, 0.8380263447761536, -0.7192575931549072],
    [-0.40334352850914, -0.5966353416442871, 0.18203648924827576],
    [-0.8566746115684509, 1.1006041765213013, -1.0711873769760132],
]
_W_TEXT = """\
tensor([[ 1.5410, -0.2934, -2.1788],
        [ 0.5684, -1.0845, -1.3986],
        [ 0.4033,  0.8380, -0.7193],
        [-0.4033, -0.5966,  0.1820],
        [-0.8567,  1.1006, -1.0712]], requires_grad=True)"""
_W_GRAD_TEXT = """\
tensor([[0.2661, 0.1179, 0.0027],
        [0.2661, 0.1179, 0.0027],
        [0.2661, 0.1179, 0.0027],
        [0.2661, 0.1179, 0.0027],
        [0.2661, 0.1179, 0.0027]])"""
_B_GRAD_TEXT = "tensor([0.2661, 0.1179, 0.0027])"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="write the golden files instead of comparing")


@pytest.fixture(autouse=True, scope="session")
def interruptible() -> None:
    """Ctrl-C interrupts, and so it does what the tests start: a shell has it ignored by what runs in its background."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def compared(request: pytest.FixtureRequest) -> Callable[[Path, str], None]:
    """Compares a text with a file."""

    def check(file: Path, text: str) -> None:
        if request.config.getoption("--update-golden"):
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        assert text == file.read_text(encoding="utf-8")

    return check


@pytest.fixture
def golden(compared: Callable[[Path, str], None]) -> Callable[[str, str], None]:
    """Compares a text with the golden file of that name."""
    return lambda name, text: compared(GOLDEN / name, text)


@pytest.fixture
def quiet_numpy() -> Iterator[None]:
    """NumPy says nothing of divisions by zero and the like, as during a run: for tests that call operations."""
    with np.errstate(all="ignore"):
        yield


@pytest.fixture
def gradcli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Ended]:
    """Runs a command line in this process and in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    for name in ("CI", "NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)

    def run(*arguments: str, stdin: str = "", stdout: io.StringIO | None = None) -> Ended:
        out, err = stdout or io.StringIO(), io.StringIO()
        with monkeypatch.context() as patched, contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            patched.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin.encode())))
            status = exits.guard(lambda: app.run(list(arguments)), verbose="--verbose" in arguments)
        return status, out.getvalue(), err.getvalue()

    return run


def tensor(value: Any, text: str, dtype: str = "float32", grad: Any = None, **fields: Any) -> TensorState:
    defaults = {"device": "cpu", "requires_grad": False, "is_leaf": True, "grad_fn": None}
    return TensorState(
        value=np.array(value, dtype),
        dtype=dtype,
        grad=None if grad is None else np.array(grad, dtype),
        text=text,
        **{**defaults, **fields},
    )


@pytest.fixture
def quickstart() -> Report:
    """A run of torch's quickstart in which everything went well."""
    w_grad, b_grad = np.array([_GRAD_ROW] * 5, "float32"), np.array(_GRAD_ROW, "float32")
    return Report(
        spec="specs/quickstart.yaml",
        title="The quickstart of automatic differentiation",
        seed=0,
        dtype="float32",
        device="cpu",
        bindings=[
            Binding("x", tensor([1.0] * 5, "tensor([1., 1., 1., 1., 1.])")),
            Binding("y", tensor([0.0] * 3, "tensor([0., 0., 0.])")),
            Binding("w", tensor(_W, _W_TEXT, grad=w_grad, requires_grad=True)),
            Binding(
                "b",
                tensor(
                    _B,
                    "tensor([ 0.1227, -0.5663,  0.3731], requires_grad=True)",
                    grad=b_grad,
                    requires_grad=True,
                ),
            ),
            Binding(
                "z",
                tensor(
                    [1.3754574060440063, -0.6022735238075256, -4.812678813934326],
                    "tensor([ 1.3755, -0.6023, -4.8127], grad_fn=<AddBackward0>)",
                    requires_grad=True,
                    is_leaf=False,
                    grad_fn="AddBackward0",
                ),
            ),
            Binding(
                "loss",
                tensor(
                    0.681851327419281,
                    "tensor(0.6819, grad_fn=<BinaryCrossEntropyWithLogitsBackward0>)",
                    requires_grad=True,
                    is_leaf=False,
                    grad_fn="BinaryCrossEntropyWithLogitsBackward0",
                ),
            ),
        ],
        steps=[
            StepReport(0, (0,), 8, "assign", "z"),
            StepReport(1, (1,), 9, "assign", "loss"),
            StepReport(
                2,
                (2,),
                10,
                "print",
                printed=[
                    Printed("z.grad_fn", "<AddBackward0>", "AddBackward0"),
                    Printed(
                        "loss.grad_fn",
                        "<BinaryCrossEntropyWithLogitsBackward0>",
                        "BinaryCrossEntropyWithLogitsBackward0",
                    ),
                ],
            ),
            StepReport(
                3,
                (3,),
                11,
                "backward",
                "loss",
                grads={
                    "w": Gradient(w_grad, "float32", _W_GRAD_TEXT),
                    "b": Gradient(b_grad, "float32", _B_GRAD_TEXT),
                },
            ),
            StepReport(
                4,
                (4,),
                12,
                "print",
                printed=[
                    Printed("w.grad", _W_GRAD_TEXT, w_grad),
                    Printed("b.grad", _B_GRAD_TEXT, b_grad, label="b's"),
                ],
            ),
            StepReport(
                5,
                (5,),
                13,
                "expect",
                items=[
                    Expectation("b.grad", True, b_grad, b_grad, _B_GRAD_TEXT, _B_GRAD_TEXT, 14, 7),
                    Expectation("w.grad[0]", True, b_grad, b_grad, _B_GRAD_TEXT, _B_GRAD_TEXT, 15, 7),
                ],
            ),
        ],
    )


@pytest.fixture
def troubled() -> Report:
    """A run with all that is hard to show: failures, loops, odd values, odd characters."""
    nan, inf = math.nan, math.inf
    wide = np.array([[0.5, nan], [inf, 2.0], [-1.0, 0.25]], "float64")
    wide_text = "tensor([[ 0.5000,     nan],\n        [    inf,  2.0000],\n        [-1.0000,  0.2500]])"
    loop = [
        StepReport(
            2 + turn,
            (1, turn, 0),
            12,
            "backward",
            "loss",
            grads={"w": Gradient(np.array([0.5, nan]), "float64", "tensor([0.5000,    nan])"), "v": None},
        )
        for turn in range(6)
    ]
    expected = np.array([1.0, 2.0, 4.0])
    actual = np.array([1.0, 2.0, 3.0])
    return Report(
        spec="specs/trouble\x1b[31m.yaml",
        title="[bold]no markup[/] :x: \u202egnirts",
        seed=-3,
        dtype="float64",
        device="cpu",
        bindings=[
            Binding("w", tensor(wide, wide_text, "float64", grad=wide, requires_grad=True)),
            Binding("frozen", tensor([1, 2], "tensor([1, 2])", "int64")),
            Binding("unreached", tensor([1.0], "tensor([1.], requires_grad=True)", "float64", requires_grad=True)),
            Binding(
                "empty",
                tensor(
                    np.zeros((0, 3)),
                    "tensor([], size=(0, 3))",
                    "float64",
                    grad=np.zeros((0, 3)),
                    requires_grad=True,
                ),
            ),
            Binding(
                "c",
                tensor(
                    [1 + 2j, complex(nan, -inf)],
                    "tensor([1.+2.j, nan-infj])",
                    "complex128",
                    grad=[0j, 3 - 4j],
                    requires_grad=True,
                ),
            ),
            Binding(
                "usv",
                parts=(
                    Binding("u", tensor([[1.0]], "tensor([[1.]])", "float64")),
                    Binding("s", value=2.5, text="2.5"),
                ),
            ),
            Binding("n", value=5, text="5"),
            Binding("ratio", value=-inf, text="-inf"),
            Binding("sizes", value=(5, 3), text="torch.Size([5, 3])"),
            Binding("node", value="AddBackward0", text="<AddBackward0>"),
            Binding("nothing", value=None, text="None"),
        ],
        steps=[
            StepReport(
                0,
                (0,),
                9,
                "print",
                printed=[
                    Printed("'[nan]'", "[nan] :x: w[i] f[/] \x1b[31mred", "[nan] :x: w[i] f[/] \x1b[31mred"),
                ],
            ),
            StepReport(1, (1,), 10, "repeat"),
            *loop,
            StepReport(
                8,
                (2,),
                14,
                "expect",
                items=[
                    Expectation("w.grad", True, wide, wide, wide_text, wide_text, 15, 7),
                    Expectation(
                        "v",
                        False,
                        expected,
                        actual,
                        "tensor([1., 2., 4.])",
                        "tensor([1., 2., 3.])",
                        16,
                        7,
                        index=(2,),
                        abs=1.0,
                        rel=0.25,
                        off=1 / 3,
                        ulp=2**51,
                    ),
                    Expectation(
                        "w.shape",
                        False,
                        [2, 3],
                        [3, 2],
                        "torch.Size([2, 3])",
                        "torch.Size([3, 2])",
                        17,
                        7,
                        why="the shapes differ",
                    ),
                    Expectation(
                        "w",
                        False,
                        -wide,
                        wide,
                        wide_text,
                        wide_text,
                        18,
                        7,
                        index=(1, 0),
                        abs=inf,
                        rel=nan,
                        off=5 / 6,
                    ),
                ],
            ),
        ],
        warnings=[Warned("The .grad attribute of a Tensor that is not a leaf Tensor is being accessed.", 13)],
    )


@pytest.fixture
def broken(quickstart: Report) -> Report:
    """A run that a second backward ended."""
    error = UserError(
        "autograd",
        "Trying to backward through the graph a second time",
        "add `retain_graph: true` to the backward at line 11",
        Span(12, 15, 12, 19),
    )
    return replace(quickstart, error=error, steps=quickstart.steps[:4])


@pytest.fixture
def reports(quickstart: Report, troubled: Report, broken: Report) -> Iterator[dict[str, Report]]:
    yield {"quickstart": quickstart, "troubled": troubled, "broken": broken}

"""Specs on a device, from the command line: what they print, what stays there, and what goes wrong."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path

import pytest

from ..command_line import Ended
from .standin import installed

SPEC = """
device: cuda
seed: 3
tensors:
  x: {data: [1.0, 2.0], requires_grad: true}
  w: randn(2)
  host: {data: [5.0, 6.0], device: cpu}
pipeline:
  - y: (x * w).exp()
  - backward: y.sum()
  - print: [x, x.grad, y.device, host, y.detach().cpu(), "host.to('cuda:0') + 1", zeros_like(x), "ones(1)"]
  - expect: {x.grad: w * y, y.grad_fn: ExpBackward0, x.grad.device: 'cuda:0'}
"""
MIXED = """
tensors: {x: "ones(2, device='cuda')", y: "ones(2)"}
pipeline: [z: x * y]
"""

Run = Callable[..., Ended]


@pytest.fixture
def run(gradcli: Callable[..., Ended]) -> Run:
    def command(spec: str, *options: str, command: str = "run", devices: int | None = 1) -> Ended:
        Path("spec.yaml").write_text(spec, encoding="utf-8")
        with contextlib.nullcontext() if devices is None else installed(devices):
            return gradcli(command, "spec.yaml", *options)

    return command


def test_a_spec_runs_on_a_device_and_says_so_as_torch_does(run: Run) -> None:
    status, out, err = run(SPEC)
    assert (status, err) == (0, "spec.yaml: ✓ ok · 4 steps · 3 expectations met\n")
    assert out.splitlines()[0] == "tensor([1., 2.], device='cuda:0', requires_grad=True)"
    assert out.splitlines()[2:4] == ["cuda:0", "tensor([5., 6.])"]
    assert out.splitlines()[5:] == [
        "tensor([6., 7.], device='cuda:0')",
        "tensor([0., 0.], device='cuda:0')",
        "tensor([1.], device='cuda:0')",
    ]


def test_the_numbers_are_those_of_the_cpu(run: Run) -> None:
    on_device, on_host = run(SPEC, "--get", "x.grad"), run(SPEC, "--device", "cpu", "--get", "x.grad")
    assert on_device[1].replace(", device='cuda:0'", "") == on_host[1]


def test_devices_that_do_not_go_together(run: Run) -> None:
    status, _, err = run(MIXED)
    assert status == 2
    assert err == (
        "error: spec.yaml:3:15: Expected all tensors to be on the same device, but found at least two devices, cuda:0 "
        "and cpu!\n    3 | pipeline: [z: x * y]\n      |               ^^^^^\n  `x` is on cuda:0, `y` is on cpu\n"
    )


def test_without_a_usable_gpu_it_says_what_was_found(run: Run) -> None:
    status, out, err = run(SPEC, devices=0)
    assert (status, out) == (2, "")
    assert err.startswith("error: spec.yaml: `cuda` is not usable: CuPy ") and "but it finds no GPU\n" in err


def test_a_device_that_does_not_exist(run: Run) -> None:
    assert "there is no device `cuda:1`: this machine has 1 GPU" in run(SPEC, "--device", "cuda:1")[2]
    assert run(SPEC.replace("cuda:0", "cuda:1"), "--device", "cuda:1", devices=2)[0] == 0


def test_gradients_of_a_device_are_checked(run: Run) -> None:
    more = "  - backward: (x.cpu() * host).sum()\n  - gradcheck: {of: (x * w).sin(), wrt: x}\n"
    status, out, _ = run(SPEC + more, "--strict", command="check")
    assert status == 0 and out.endswith("✓ 5 correct\n")

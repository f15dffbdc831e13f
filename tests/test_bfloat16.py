"""bfloat16 as a user meets it: in specs, on the command line, in files, and without the package that it needs."""

from __future__ import annotations

import json
import struct
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from gradcli.cli import app

from .device.standin import installed

SPEC = """
dtype: bfloat16
tensors:
  x: {data: [1.0, 2.5, -0.1234, 1000.7], requires_grad: true}
  h: {data: [1.1, 2.2, 3.3, 4.4], dtype: float16}
pipeline:
  - y: (x * 0.1 + x ** 2).sum()
  - backward: y
  - print: [x, y, x.dtype, h, x + h, x.float().bfloat16().grad_fn, h.to(bfloat16)]
  - print: ["torch.tensor([1.5], dtype=torch.bfloat16)", x.tolist(), x.half().dtype]
  - print: ["torch.promote_types(bfloat16, float16)", x.element_size(), x.is_floating_point(), "randn(3)"]
  - expect: {x.grad: [2.1, 5.1, -0.147, 2000], x.grad.dtype: bfloat16, x.dtype: bfloat16, y.grad_fn: SumBackward0}
"""
# what torch prints of it, with bfloat16 as its default dtype
PRINTED = """\
tensor([ 1.0000e+00,  2.5000e+00, -1.2354e-01,  1.0000e+03],
       requires_grad=True)
tensor(999424., grad_fn=<SumBackward0>)
torch.bfloat16
tensor([1.0996, 2.1992, 3.3008, 4.3984], dtype=torch.float16)
tensor([   2.0996,    4.6992,    3.1772, 1004.3984], dtype=torch.float32,
       grad_fn=<AddBackward0>)
<ToCopyBackward0>
tensor([1.1016, 2.2031, 3.2969, 4.4062])
tensor([1.5000])
[1.0, 2.5, -0.12353515625, 1000.0]
torch.float16
torch.float32
2
True
tensor([ 1.5391, -0.2930, -2.1719])
"""
PLAIN = "tensors: {x: {data: [1.0, 2.7], dtype: bfloat16}}\npipeline: [print: x + x]\n"

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(tmp_path)

    def command(spec: str, *options: str) -> tuple[int, str, str]:
        Path("spec.yaml").write_text(spec, encoding="utf-8")
        status = app.run(["run", "spec.yaml", *options])
        return (status, *capsys.readouterr())

    return command


def test_a_spec_in_bfloat16_prints_what_torch_prints(run: Run) -> None:
    assert run(SPEC) == (0, PRINTED, "spec.yaml: ✓ ok · 6 steps · 4 expectations met\n")


def test_it_can_be_asked_for_on_the_command_line(run: Run) -> None:
    status, out, _ = run("pipeline: [print: ones(2) / 3]", "--dtype", "bfloat16")
    assert (status, out) == (0, "tensor([0.3340, 0.3340])\n")
    assert run("pipeline: [print: ones(1).dtype]", "--set", "dtype=torch.bfloat16")[1] == "torch.bfloat16\n"


def test_expectations_have_torchs_tolerance(run: Run) -> None:
    spec = "dtype: bfloat16\npipeline: [expect: {'tensor(1.0)': NUMBER}]"
    assert run(spec.replace("NUMBER", "1.016"))[0] == 0
    status, out, _ = run(spec.replace("NUMBER", "1.03"))
    assert status == 1 and "absolute 0.03, relative 0.02913, 4 ULP" in out


def test_json_has_its_numbers(run: Run) -> None:
    tensors = json.loads(run(SPEC, "--json")[1])["tensors"]
    assert tensors["x"]["dtype"] == "bfloat16" and tensors["x"]["grad"] == [2.09375, 5.09375, -0.146484375, 2000.0]


def test_safetensors_hold_it(run: Run, tmp_path: Path) -> None:
    assert run(SPEC, "--save", "out.safetensors")[0] == 0
    content = (tmp_path / "out.safetensors").read_bytes()
    (length,) = struct.unpack("<Q", content[:8])
    assert json.loads(content[8 : 8 + length])["x"] == {"dtype": "BF16", "shape": [4], "data_offsets": [0, 8]}
    assert content[8 + length :][:8].hex() == "803f2040fdbd7a44"
    status, out, _ = run("tensors: {w: {load: 'out.safetensors:x'}}\npipeline: [print: w]")
    assert (status, out) == (
        0,
        "tensor([ 1.0000e+00,  2.5000e+00, -1.2354e-01,  1.0000e+03],\n       dtype=torch.bfloat16)\n",
    )


def test_numpys_files_do_not(run: Run) -> None:
    status, _, err = run(PLAIN, "--save", "out.npz")
    assert status == 2 and "a .npz file cannot hold `x`, which is bfloat16" in err and ".safetensors" in err


def test_a_gpu_does_not_have_it(run: Run) -> None:
    with installed(1):
        status, _, err = run(PLAIN, "--device", "cuda")
        assert status == 2 and "bfloat16 is not available on `cuda`: CuPy has no such dtype" in err
        assert run(PLAIN.replace("bfloat16", "float16"), "--device", "cuda")[0] == 0


@pytest.mark.parametrize("spec", [PLAIN, "dtype: bfloat16\npipeline: [print: ones(2)]"])
def test_without_the_package_it_says_how_to_get_it(spec: str, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ml_dtypes", None)
    status, out, err = run(spec)
    assert (status, out) == (2, "")
    assert "bfloat16 needs the package ml_dtypes, which is not installed\n" in err
    assert "`pip install 'gradcli[bfloat16]'`" in err
    assert run("pipeline: [print: ones(2)]")[0] == 0

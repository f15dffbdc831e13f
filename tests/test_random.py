"""The random stream against torch's: frozen draws, and live ones on sequences drawn when the test runs."""

from __future__ import annotations

import hashlib
import json
import math
import platform
import random
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gradcli.engine.random import Generator
from gradcli.errors import UserError

FOLDER = Path(__file__).parent / "golden" / "random"
GOLDEN = json.loads((FOLDER / "random.json").read_text(encoding="utf-8"))
FLOATS = ["float16", "float32", "float64"]
NUMBERS = [*FLOATS, "complex64", "complex128"]
INTEGERS = ["uint8", "int8", "int16", "int32", "int64"]


def draw(generator: Generator, sampler: str, arguments: dict[str, Any]) -> Any:
    given = dict(arguments)
    given["dtype"] = np.dtype(given["dtype"])
    if sampler == "dropout":
        sampler, given["p"] = "bernoulli", 1 - given["p"]
    if isinstance(given.get("p"), list):
        numbers = np.array(given["p"])
        given["p"] = numbers.astype(np.float32) if numbers.dtype.kind == "f" else numbers
    return getattr(generator, sampler)(**given)


def from_json(values: list[Any], dtype: np.dtype[Any]) -> Any:
    if dtype.kind not in "fc":
        return np.array(values, dtype)
    real = np.dtype(f"f{dtype.itemsize // 2}") if dtype.kind == "c" else dtype
    return np.array([float.fromhex(value) for value in values], real).view(dtype)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the last bit is the C library's")
@pytest.mark.parametrize("case", GOLDEN["sequences"], ids=lambda case: f"seed {case['seed']}")
def test_draws_are_torchs_bit_for_bit(case: dict[str, Any]) -> None:
    generator = Generator(case["seed"])
    states = []
    for step in case["steps"]:
        arguments = {name: value for name, value in step.items() if name not in ("do", "values")}
        if step["do"] == "manual_seed":
            generator.manual_seed(arguments["seed"])
        elif step["do"] == "get_state":
            states.append(generator.get_state())
        elif step["do"] == "set_state":
            generator.set_state(states.pop())
        else:
            drawn = draw(generator, step["do"], arguments)
            assert drawn.dtype == arguments["dtype"], arguments
            assert list(drawn.shape) == arguments.get("shape", [arguments.get("n")]), arguments
            if isinstance(step["values"], str):
                assert hashlib.sha256(drawn.tobytes()).hexdigest() == step["values"], (step["do"], arguments)
            else:
                expected = from_json(step["values"], drawn.dtype)
                np.testing.assert_array_equal(drawn.ravel(), expected, err_msg=f"{step['do']} {arguments}")


@pytest.mark.parametrize("case", GOLDEN["failures"], ids=lambda case: case["message"][:40])
def test_a_refused_draw_says_what_torch_says_and_draws_nothing(case: dict[str, Any]) -> None:
    arguments = {name: value for name, value in case.items() if name not in ("do", "message")}
    generator = Generator(0)
    with pytest.raises(UserError) as caught:
        draw(generator, case["do"], arguments)
    assert case["message"].startswith(caught.value.message)
    assert generator.rand((1,), np.dtype(np.float32)) == np.float32(0.49625658988952637)


@pytest.mark.parametrize("seed", [-(2**63) - 1, 2**64])
def test_a_seed_of_more_than_64_bits_is_refused(seed: int) -> None:
    with pytest.raises(UserError, match="Overflow when unpacking long long"):
        Generator(seed)


def test_bounds_of_more_than_64_bits_are_refused() -> None:
    with pytest.raises(UserError, match="Overflow when unpacking long long"):
        Generator(0).randint(0, 2**63, (2,), np.dtype(np.int64))


def test_numpy_is_imported_by_the_first_draw_only() -> None:
    program = (
        "import sys\n"
        "from gradcli.engine.random import Generator\n"
        "Generator(3).set_state(Generator(4).get_state())\n"
        "assert 'numpy' not in sys.modules\n"
        "import numpy\n"
        "assert 'numpy.random' not in sys.modules\n"
        "assert Generator(0).rand((1,), numpy.dtype('float32')) == numpy.float32(0.49625658988952637)\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def any_call(chance: random.Random) -> tuple[str, dict[str, Any]]:
    """A sampler and arguments that torch takes."""
    shape: tuple[int, ...] = chance.choice(
        [(), (16,), (4, 4, 3), (chance.randrange(50),), (chance.randrange(20000),), (chance.randrange(9), 7)]
    )
    location = chance.uniform(-5, 5) * 10 ** chance.uniform(-3, 3)
    spread = chance.uniform(0.01, 5) * 10 ** chance.uniform(-3, 3)
    probability = chance.choice([chance.random(), 0.0, 0.5, 1.0])
    real, number, integer = chance.choice(FLOATS), chance.choice(NUMBERS), chance.choice(INTEGERS)
    low = chance.randrange(100)
    far = chance.randrange(-(2**62), 2**62)
    calls: dict[str, dict[str, Any]] = {
        "rand": {"shape": shape, "dtype": number},
        "randn": {"shape": shape, "dtype": number},
        "uniform": {"low": location, "high": location + spread, "shape": shape, "dtype": number},
        "normal": {"mean": location, "std": spread, "shape": shape, "dtype": number},
        "log_normal": {"mean": location / 1000, "std": spread / 100, "shape": shape, "dtype": real},
        "exponential": {"rate": spread, "shape": shape, "dtype": real},
        "cauchy": {"median": location, "sigma": spread, "shape": shape, "dtype": real},
        "geometric": {"p": 10 ** chance.uniform(-2, -0.01), "shape": shape, "dtype": "int64"},
        "bernoulli": {"p": probability, "shape": shape, "dtype": chance.choice([real, integer, "bool"])},
        "dropout": {"p": chance.random(), "shape": (5, chance.randrange(1, 50)), "dtype": "bool"},
        "randint": chance.choice(
            [
                {"low": low, "high": chance.randrange(low + 1, 128), "shape": shape, "dtype": integer},
                {"low": far, "high": far + 2 ** chance.randrange(62), "shape": shape, "dtype": "int64"},
                {"low": -5, "high": 2 ** chance.randrange(31), "shape": shape, "dtype": "int32"},
            ]
        ),
        "random": {"shape": shape, "dtype": chance.choice([real, integer, "bool"])},
        "randperm": {"n": chance.randrange(128), "dtype": chance.choice([real, integer])},
    }
    name = chance.choice(list(calls))
    if name == "bernoulli" and chance.random() < 0.5:
        values = [chance.random() for _ in range(math.prod(shape))]
        calls[name]["p"] = np.array(values, chance.choice(FLOATS)).reshape(shape)
    if name == "normal" and chance.random() < 0.3:
        calls[name] |= {"shape": (7, chance.randrange(2, 9)), "dtype": real, "contiguous": False}
    return name, calls[name]


# torch multiplies and adds at once here, where the processor can; without AVX2 its numbers end in other bits
FUSED = {"uniform", "randn", "normal", "cauchy", "log_normal"}


def real_itemsize(array: Any) -> int:
    size: int = array.real.dtype.itemsize
    return size


@pytest.mark.torch
def test_any_sequence_of_draws_is_torchs() -> None:
    torch = pytest.importorskip("torch")
    fuses = torch.backends.cpu.get_cpu_capability() in ("AVX2", "AVX512")
    torch_draw = runpy.run_path(str(FOLDER / "make_random_golden.py"))["torch_draw"]
    test_seed = random.SystemRandom().randrange(2**32)
    print(f"test seed {test_seed}")
    chance = random.Random(test_seed)
    for _ in range(100):
        seed = chance.randrange(-(2**63), 2**64)
        generator = Generator(seed)
        torch.manual_seed(seed)
        for _ in range(20):
            sampler, arguments = any_call(chance)
            expected, drawn = torch_draw(sampler, arguments), draw(generator, sampler, arguments)
            assert drawn.dtype == expected.dtype and drawn.shape == expected.shape, (sampler, arguments)
            if fuses or sampler not in FUSED:
                assert drawn.tobytes() == expected.tobytes(), (seed, sampler, arguments)
            else:
                np.testing.assert_allclose(drawn, expected, 1e-2 if real_itemsize(drawn) == 2 else 1e-4, 1e-6)


def test_the_stream_is_the_same_however_much_is_drawn_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = Generator(3).rand((1000,), np.dtype("float64"))
    monkeypatch.setattr("gradcli.engine.random.WORDS_AT_ONCE", 7)
    assert np.array_equal(Generator(3).rand((1000,), np.dtype("float64")), whole)

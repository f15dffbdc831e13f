"""Draw torch's random numbers for test_random.py: running this file writes random.json beside it.

Needs torch 2.13 on an x86-64 processor with AVX2. `torch_draw` is also what the live comparison asks.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch.nn import functional

FLOATS = ["float16", "float32", "float64"]
NUMBERS = [*FLOATS, "complex64", "complex128"]
INTEGERS = ["uint8", "int8", "int16", "int32", "int64"]
LONGEST_IN_FULL = 1000

Step = tuple[str, dict[str, Any]]


def torch_draw(sampler: str, arguments: dict[str, Any]) -> Any:
    """What torch's default generator gives where `gradcli.engine.random.Generator` is asked the same."""
    given = dict(arguments)
    dtype = getattr(torch, given.pop("dtype"))
    if sampler == "randperm":
        return torch.randperm(given["n"], dtype=dtype).numpy()
    shape = given.pop("shape")
    if sampler == "dropout":  # on a transposed input: the mask follows the memory
        return (functional.dropout(torch.ones(shape).t(), given["p"]).t() != 0).to(dtype).numpy()
    if sampler == "normal" and not given.pop("contiguous", True):
        return torch.empty(shape, dtype=dtype).t().normal_(given["mean"], given["std"]).t().numpy()
    if sampler == "bernoulli" and not isinstance(given["p"], float):
        probabilities = torch.as_tensor(given["p"])
        return torch.empty(shape, dtype=dtype).bernoulli_(probabilities).numpy()
    functions: dict[str, Callable[..., Any]] = {"rand": torch.rand, "randn": torch.randn}
    if sampler in functions:
        return functions[sampler](shape, dtype=dtype).numpy()
    if sampler == "randint":
        return torch.randint(given["low"], given["high"], shape, dtype=dtype).numpy()
    return getattr(torch.empty(shape, dtype=dtype), f"{sampler}_")(*given.values()).numpy()


def as_json(values: Any) -> Any:
    """An array as exact text: hexadecimal floats; of a long one, the SHA-256 digest of its bytes."""
    if values.size > LONGEST_IN_FULL:
        return hashlib.sha256(values.tobytes()).hexdigest()
    flat = values.ravel()
    if flat.dtype.kind == "c":
        flat = flat.view(flat.real.dtype)
    return [value.hex() for value in flat.tolist()] if flat.dtype.kind == "f" else flat.tolist()


def sequence(seed: int, steps: list[Step]) -> dict[str, Any]:
    torch.manual_seed(seed)
    states, records = [], []
    for name, arguments in steps:
        record: dict[str, Any] = {"do": name, **arguments}
        if name == "manual_seed":
            torch.manual_seed(arguments["seed"])
        elif name == "get_state":
            states.append(torch.get_rng_state())
        elif name == "set_state":
            torch.set_rng_state(states.pop())
        else:
            record["values"] = as_json(torch_draw(name, arguments))
        records.append(record)
    return {"seed": seed, "steps": records}


def failure(sampler: str, arguments: dict[str, Any]) -> dict[str, Any]:
    try:
        torch_draw(sampler, arguments)
    except (RuntimeError, ValueError) as error:
        return {"do": sampler, **arguments, "message": str(error)}
    raise AssertionError(f"torch accepts {sampler} {arguments}")


def draws(sampler: str, dtypes: list[str], sizes: list[int], **arguments: Any) -> list[Step]:
    return [(sampler, {**arguments, "shape": [n], "dtype": dtype}) for dtype in dtypes for n in sizes]


def sequences() -> list[dict[str, Any]]:
    every_size = list(range(1, 41))
    long = [100, 20011]
    cases = [
        sequence(0, [("randn", {"shape": [5, 3], "dtype": "float32"}), *draws("randn", ["float32"], [3])]),
        sequence(1, draws("randn", ["float32", "float64"], [*every_size, 100, 1000, 20011])),
        sequence(2, draws("randn", ["float16", "complex64", "complex128"], [1, 7, 8, 9, 15, 16, 17, 31, *long])),
        sequence(3, draws("rand", NUMBERS, [1, 2, 15, 16, 17, *long])),
        sequence(4, draws("uniform", NUMBERS, [3, 40, 20011], low=-0.3, high=7.1)),
        # a tiny lower bound decides what a tie is rounded to; a narrow interval is rounded to its end
        sequence(5, draws("uniform", NUMBERS, [40, 20011], low=1e-30, high=3.0)),
        sequence(6, draws("uniform", ["float32"], [1000], low=1000.0, high=1000.001)),
        sequence(7, draws("normal", NUMBERS, [3, 40, 20011], mean=0.3, std=1.7)),
        sequence(8, draws("normal", NUMBERS, [3, 40, 20011], mean=1e-30, std=3.0)),
        sequence(9, draws("normal", ["float32"], [3, 16], mean=float("nan"), std=float("inf"))),
        sequence(
            10,
            [
                ("normal", {"mean": 0.3, "std": 1.7, "shape": [7, 5], "dtype": dtype, "contiguous": False})
                for dtype in FLOATS
            ],
        ),
        sequence(11, draws("log_normal", FLOATS, [3, 40, 20011], mean=0.3, std=1.7)),
        sequence(12, draws("log_normal", FLOATS, [3], mean=1000.0, std=1.0)),
        sequence(13, draws("exponential", FLOATS, [3, 40, 20011], rate=3.0)),
        sequence(14, draws("exponential", FLOATS, [3], rate=float("inf"))),
        sequence(15, draws("cauchy", FLOATS, [3, 40, 20011], median=0.3, sigma=1.7)),
        sequence(16, draws("geometric", [*FLOATS, *INTEGERS], [3, 40, 20011], p=0.3)),
        sequence(17, draws("bernoulli", [*FLOATS, *INTEGERS, "bool"], [3, 40, 20011], p=0.3)),
        sequence(18, draws("bernoulli", ["float32"], [3], p=0.0) + draws("bernoulli", ["bool"], [3], p=1.0)),
        sequence(
            19,
            [
                ("dropout", {"p": p, "shape": shape, "dtype": "bool"})
                for p in (0.1, 0.5, 0.9)
                for shape in ([2, 2], [7, 5], [30, 20])
            ],
        ),
        sequence(20, draws("randint", ["int64", "int32", "int16", "int8", *FLOATS], [3, 40], low=-7, high=100)),
        sequence(21, draws("randint", ["uint8", "bool"], [40], low=0, high=2)),
        sequence(22, draws("randint", ["int64"], [40, 20011], low=-(2**63), high=2**63 - 1)),
        sequence(23, draws("randint", ["int64", "int32", "float64"], [10], low=-5, high=2**28 - 6)),
        sequence(24, draws("randint", ["int64", "int32", "float64"], [10], low=-5, high=2**28 - 5)),
        sequence(25, draws("randint", ["int32"], [10], low=-(2**31), high=2**31)),
        sequence(26, draws("randint", ["float64"], [10], low=-(2**53), high=2**53)),
        sequence(27, draws("random", [*FLOATS, *INTEGERS, "bool"], [3, 40])),
        sequence(
            28,
            [("randperm", {"n": n, "dtype": "int64"}) for n in [*range(21), 100, 1000, 20011]]
            + [("randperm", {"n": 128, "dtype": dtype}) for dtype in [*INTEGERS, *FLOATS]],
        ),
        # the second number of a pair waits in the generator, through other draws and in its state
        sequence(
            29,
            [
                *draws("randn", ["float32"], [3]),
                *draws("rand", ["float64"], [2]),
                ("get_state", {}),
                *draws("randn", ["float64", "complex64"], [2, 0, 20, 1]),
                ("set_state", {}),
                *draws("log_normal", ["float32"], [2], mean=0.0, std=1.0),
                *draws("randn", ["float32"], [1]),
                ("manual_seed", {"seed": 5}),
                *draws("randn", ["float16"], [1]),
                ("get_state", {}),
                ("manual_seed", {"seed": 6}),
                ("set_state", {}),
                *draws("randn", ["float16"], [2]),
            ],
        ),
    ]
    for dtype in ("float16", "float32", "float64"):
        steps: list[Step] = [
            ("bernoulli", {"p": p, "shape": [2, 3], "dtype": dtype})
            for p in ([0.1, 0.5, 0.9], [[0.2], [0.7]], [[0.0, 1.0, 0.5], [0.3, 0.4, 0.6]])
        ]
        cases.append(sequence(30, steps))
    cases += [
        sequence(seed, draws("rand", ["float32"], [2]))
        for seed in (-1, -(2**63), 2**32 - 1, 2**32, 2**32 + 7, 2**63, 2**64 - 1)
    ]
    return cases


def failures() -> list[dict[str, Any]]:
    one = {"shape": [2], "dtype": "float32"}
    return [
        failure("rand", {"shape": [2], "dtype": "int64"}),
        failure("randn", {"shape": [2], "dtype": "bool"}),
        failure("normal", {"mean": 0.0, "std": -1.5, **one}),
        failure("normal", {"mean": 0.0, "std": float("nan"), **one}),
        failure("uniform", {"low": 2.0, "high": 1.0, **one}),
        failure("uniform", {"low": 0.0, "high": float("inf"), **one}),
        failure("uniform", {"low": -1e5, "high": 0.0, "shape": [2], "dtype": "float16"}),
        failure("uniform", {"low": -3e38, "high": 3e38, **one}),
        failure("log_normal", {"mean": 0.0, "std": 0.0, **one}),
        failure("log_normal", {"mean": 0.0, "std": 1.0, "shape": [2], "dtype": "complex64"}),
        failure("exponential", {"rate": 0.0, **one}),
        failure("exponential", {"rate": 1.0, "shape": [2], "dtype": "int64"}),
        failure("cauchy", {"median": 0.0, "sigma": -1.0, **one}),
        failure("cauchy", {"median": 0.0, "sigma": 1.0, "shape": [2], "dtype": "complex64"}),
        failure("geometric", {"p": 1.0, **one}),
        failure("geometric", {"p": 0.5, "shape": [2], "dtype": "bool"}),
        failure("bernoulli", {"p": 1.5, **one}),
        failure("bernoulli", {"p": [0.5, 2.0], **one}),
        failure("bernoulli", {"p": [0, 1], **one}),
        failure("bernoulli", {"p": 0.5, "shape": [2], "dtype": "complex64"}),
        failure("randint", {"low": 5, "high": 5, "shape": [2], "dtype": "int64"}),
        failure("randint", {"low": 0, "high": 300, "shape": [2], "dtype": "uint8"}),
        failure("randint", {"low": -1, "high": 3, "shape": [2], "dtype": "uint8"}),
        failure("randint", {"low": 0, "high": 70000, "shape": [2], "dtype": "float16"}),
        failure("randint", {"low": 0, "high": 3, "shape": [2], "dtype": "bool"}),
        failure("randint", {"low": 0, "high": 3, "shape": [2], "dtype": "complex64"}),
        failure("random", {"shape": [2], "dtype": "complex64"}),
        failure("randperm", {"n": -1, "dtype": "int64"}),
        failure("randperm", {"n": 2050, "dtype": "float16"}),
        failure("randperm", {"n": 2, "dtype": "bool"}),
    ]


def main() -> None:
    cases = []
    for case in sequences():
        steps = ",\n  ".join(json.dumps(step, separators=(",", ":")) for step in case["steps"])
        cases.append(f' {{"seed": {case["seed"]}, "steps": [\n  {steps}]}}')
    refused = [" " + json.dumps(case) for case in failures()]
    text = (
        f'{{"torch": "{torch.__version__}",\n"sequences": [\n{joined(cases)}],\n"failures": [\n{joined(refused)}]}}\n'
    )
    Path(__file__).with_name("random.json").write_text(text, encoding="utf-8")


def joined(lines: list[str]) -> str:
    return ",\n".join(lines)


if __name__ == "__main__":
    main()

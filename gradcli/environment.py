"""What gradcli runs on and with: versions, the GPU, memory. Nothing here fails, whatever is broken.

What may hang, crash or take long to import is asked in a process of its own.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from gradcli import __version__

Found = dict[str, Any]

PYTHON = ">=3.10"
REQUIRED = {"numpy": ">=2.0", "pyyaml": ">=6.0.1", "rich": ">=13.7", "typer": ">=0.21,<0.29"}
# CuPy goes by other names for other versions of CUDA, and when it is built from source.
EXTRAS = {
    "cuda": ("cupy-cuda12x", ">=13"),
    "special": ("scipy", ">=1.12"),
    "bfloat16": ("ml_dtypes", ">=0.4"),
    "dask": ("distributed", ">=2024.5"),
}
_OTHER_NAMES = {"cupy-cuda12x": ("cupy-cuda13x", "cupy-cuda11x", "cupy")}
_THREADS = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS")

_BEGIN = """
import json, sys, time
sys.path[:] = [path for path in sys.path if path]  # not the modules of the current folder
found = {}
try:
"""
_END = """
except BaseException as error:
    found["why"] = f"{type(error).__name__}: {' '.join(str(error).split())}"[:300]
print(json.dumps(found))
"""
_ASK_NUMPY = """
    begin = time.perf_counter()
    import numpy
    found["milliseconds"] = round((time.perf_counter() - begin) * 1000, 1)
    blas = numpy.show_config(mode="dicts")["Build Dependencies"]["blas"]
    found["blas"] = " ".join(str(blas[key]) for key in ("name", "version") if blas.get(key))
"""
_ASK_YAML = """
    import yaml
    found["c_parser"] = hasattr(yaml, "CSafeLoader")
"""
# An import proves nothing: a kernel must be compiled, run, and give its result back.
_ASK_CUPY = """
    import cupy
    found["version"] = cupy.__version__
    if not cupy.cuda.is_available():
        raise RuntimeError("CuPy finds no CUDA device")
    properties = cupy.cuda.runtime.getDeviceProperties(0)
    found["device"] = properties["name"].decode()
    found["devices"] = cupy.cuda.runtime.getDeviceCount()
    found["memory"] = properties["totalGlobalMem"]
    begin = time.perf_counter()
    total = float((cupy.arange(8.0) * 2 + 1).sum())
    found["milliseconds"] = round((time.perf_counter() - begin) * 1000, 1)
    if total != 64.0:
        raise RuntimeError(f"a sum on the GPU gave {total} instead of 64.0")
    found["usable"] = True
"""


def examine() -> Found:
    """Everything, as JSON has it; `problems` are what keeps gradcli from working, each with the fix."""
    numpy, yaml = _ask(_ASK_NUMPY), _ask(_ASK_YAML)
    packages = [_package(name, needs) for name, needs in REQUIRED.items()]
    for name, answer in (("numpy", numpy), ("pyyaml", yaml)):
        for package in packages:
            if package["name"] == name and package["ok"] and "why" in answer:
                package |= {"ok": False, "why": answer["why"]}
    python = {
        "version": platform.python_version(),
        "implementation": platform.python_implementation(),
        "executable": sys.executable or None,
        "needs": PYTHON,
        "ok": satisfies(platform.python_version(), PYTHON),
    }
    extras = [{"extra": extra, **_package(name, needs)} for extra, (name, needs) in EXTRAS.items()]
    problems = [_problem(package) for package in [{"name": "Python", **python}, *packages] if not package["ok"]]
    return {
        "format": 1,
        "ok": not problems,
        "problems": problems,
        "gradcli": {"version": __version__, "path": str(Path(__file__).parent)},
        "python": python,
        "platform": {
            "system": platform.system(),
            "release": platform.release(),
            "machine": platform.machine(),
            "cpus": _cpus(),
        },
        "packages": packages,
        "extras": extras,
        "numpy": {
            "import_milliseconds": numpy.get("milliseconds"),
            "blas": numpy.get("blas"),
            "threads": _threads(),
        },
        "yaml": {"c_parser": yaml.get("c_parser", False)},
        "gpu": _gpu(extras[0]),
        "memory": _memory(),
    }


def satisfies(version: str, needs: str) -> bool:
    """Whether a version is new enough for a requirement such as `>=0.21,<0.29`; one that is too new may work."""
    least = re.search(r">=\s*([\d.]+)", needs)
    return least is None or _numbers(version) >= _numbers(least[1])


def _numbers(version: str) -> tuple[int, ...]:
    """The first three numbers of a version; what it leaves out is 0."""
    return tuple(int(number) for number in [*re.findall(r"\d+", version), "0", "0"][:3])


def _package(name: str, needs: str) -> Found:
    for candidate in (name, *_OTHER_NAMES.get(name, ())):
        try:
            version = importlib.metadata.version(candidate)
        except importlib.metadata.PackageNotFoundError:
            continue
        return {"name": candidate, "version": version, "needs": needs, "ok": satisfies(version, needs), "why": None}
    return {"name": name, "version": None, "needs": needs, "ok": False, "why": None}


def _problem(package: Found) -> str:
    name, version, needs = package["name"], package["version"], package["needs"]
    if version is None:
        return f"{name} is not installed; install it: python -m pip install '{name}{needs}'"
    if package.get("why"):
        return f"{name} {version} cannot be imported: {package['why']}"
    fix = "" if name == "Python" else f"; update it: python -m pip install '{name}{needs}'"
    return f"{name} {version} is too old: gradcli needs {needs}{fix}"


def _ask(question: str, seconds: float = 60.0) -> Found:
    """What a process of its own finds out; `why` tells what went wrong."""
    try:
        ended = subprocess.run(
            [sys.executable or "", "-c", _BEGIN + question + _END],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=seconds,
        )
        answer: Found = json.loads(ended.stdout.splitlines()[-1])
    except subprocess.TimeoutExpired:
        return {"why": f"no answer in {seconds:g} seconds"}
    except (OSError, ValueError, IndexError):
        return {"why": "the process that asked it ended without an answer"}
    return answer


def _cpus() -> int:
    """The processors this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def _threads() -> int:
    """The threads that NumPy's BLAS takes; gradcli asks for one, unless the user asks for more."""
    counts = [os.environ.get(name, "") for name in _THREADS]
    return next((int(count) for count in counts if count.isdecimal() and int(count) > 0), _cpus())


def _gpu(cupy: Found) -> Found:
    """Whether CuPy can compute on a GPU; `nvidia` are the GPUs that the driver tells of."""
    nvidia = _nvidia()
    found: Found = {"usable": False, "device": None, "devices": 0, "memory": None, "nvidia": nvidia, "why": None}
    if cupy["version"] is None:
        return found | {"why": "CuPy is not installed"}
    return found | {key: value for key, value in _ask(_ASK_CUPY).items() if key in found}


def _nvidia() -> list[str]:
    program = shutil.which("nvidia-smi")
    if program is None:
        return []
    command = [program, "--query-gpu=name", "--format=csv,noheader"]
    try:
        ended = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=20)
    except (OSError, subprocess.TimeoutExpired, ValueError):
        return []
    return [line.strip() for line in ended.stdout.splitlines() if line.strip()] if ended.returncode == 0 else []


def _memory() -> Found:
    """Bytes: what there is, what is free, and the least of the limits on this process, with its kind."""
    limits = [("control group", limit) for limit in _group_limits()]
    try:
        import resource
    except ImportError:  # Windows
        pass
    else:
        soft, _ = resource.getrlimit(resource.RLIMIT_AS)
        if soft != resource.RLIM_INFINITY:
            limits.append(("ulimit -v", soft))
    kind, limit = min(limits, key=lambda found: found[1], default=(None, None))
    return {"total": _total(), "available": _meminfo("MemAvailable"), "limit": limit, "limited_by": kind}


def _total() -> int | None:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return None


def _meminfo(key: str) -> int | None:
    found = re.search(rf"^{key}:\s+(\d+) kB", _read("/proc/meminfo"), re.MULTILINE)
    return int(found[1]) * 1024 if found else None


def _group_limits() -> list[int]:
    """The limits of the control groups that this process is in, of both versions."""
    limits = []
    for line in _read("/proc/self/cgroup").splitlines():
        _, controllers, path = line.split(":", 2)
        folder, name = ("memory", "memory.limit_in_bytes") if "memory" in controllers else ("", "memory.max")
        top = Path("/sys/fs/cgroup", folder)
        inner = top / path.strip("/")
        for place in (inner, *inner.parents):
            if place == top or top in place.parents:
                content = _read(str(place / name)).strip()
                if content.isdecimal() and int(content) < 2**60:  # version 1 writes a huge number for no limit
                    limits.append(int(content))
    return limits


def _read(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""

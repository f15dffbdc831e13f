"""How long a whole run takes beside a bare `import numpy`: python tests/bench/bench_startup.py [ROUNDS]

The commands take turns, so that whatever else the machine does falls on all of them alike. Bytecode is
cached, as it is in an installed package. The target is `run --json` in at most 1.6 times `import numpy`.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
QUICKSTART = str(ROOT / "specs" / "quickstart.yaml")
COMMANDS = {
    "import numpy": ["-c", "import numpy"],
    "gradcli run --json": ["-m", "gradcli", "run", QUICKSTART, "--json"],
    "gradcli run": ["-m", "gradcli", "run", QUICKSTART],
    "gradcli run, screen": ["-m", "gradcli", "run", QUICKSTART, "--color", "always"],
    "gradcli validate": ["-m", "gradcli", "validate", QUICKSTART],
    "gradcli --help": ["-m", "gradcli", "--help"],
    "gradcli --version": ["-m", "gradcli", "--version"],
}


def seconds(arguments: list[str], environment: dict[str, str]) -> float:
    """The wall time of one process."""
    start = time.perf_counter()
    subprocess.run([sys.executable, *arguments], env=environment, check=True, capture_output=True)
    return time.perf_counter() - start


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    with tempfile.TemporaryDirectory() as cache:
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONPYCACHEPREFIX": cache}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        times: dict[str, list[float]] = {name: [] for name in COMMANDS}
        for turn in range(rounds + 1):
            for name, arguments in COMMANDS.items():
                elapsed = seconds(arguments, environment)
                if turn:  # the first one compiles
                    times[name].append(elapsed)
    print(f"{'':<20}  {'min ms':>7}  {'median':>7}  {'min ratio':>9}  {'median':>7}")
    bare = times["import numpy"]
    for name, measured in times.items():
        least, middle = min(measured), statistics.median(measured)
        ratios = f"{least / min(bare):9.2f}  {middle / statistics.median(bare):7.2f}"
        print(f"{name:<20}  {1e3 * least:7.1f}  {1e3 * middle:7.1f}  {ratios}")


if __name__ == "__main__":
    main()

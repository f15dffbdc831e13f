"""The commands around the calculator: init, schema, doctor and completion."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlparse
from urllib.request import url2pathname

import pytest

from gradcli import environment
from gradcli.cli import app
from gradcli.cli.completion import commands
from gradcli.cli.schema import names
from gradcli.cli.shells import SCRIPTS
from gradcli.spec import schema, starter
from tests.command_line import Ended

ROOT = Path(__file__).parents[1]
TOPICS = list(starter.topics())


def listing() -> list[str]:
    """The names of what is in the current folder."""
    return sorted(path.name for path in Path.cwd().iterdir())


# init


def test_a_new_spec_runs_at_once(gradcli: Callable[..., Ended], tmp_path: Path) -> None:
    status, out, err = gradcli("init")
    assert (status, out) == (0, "")
    assert err == (
        "wrote spec.yaml: Fit a line to five points\n"
        "  run it:    gradcli run spec.yaml\n"
        "  check it:  gradcli validate spec.yaml\n"
    )
    assert [path.name for path in tmp_path.iterdir()] == ["spec.yaml"]
    status, out, err = gradcli("run", "spec.yaml")
    assert (status, out.splitlines()[:3]) == (
        0,
        ["tensor(33., grad_fn=<MseLossBackward0>)", "slope: tensor(-28.)", "offset: tensor(-10.)"],
    )


@pytest.mark.parametrize("topic", TOPICS)
def test_every_topic_is_green_prints_and_expects(topic: str, gradcli: Callable[..., Ended]) -> None:
    assert gradcli("init", "--template", topic, "a.yaml")[0] == 0
    assert gradcli("validate", "a.yaml") == (0, "a.yaml: ok\n", "")
    status, out, err = gradcli("run", "a.yaml")
    assert status == 0 and out
    assert re.search(r"✓ ok · .+ · [2-9] expectations met", err)
    assert "warning" not in err


@pytest.mark.parametrize("topic", TOPICS)
def test_every_topic_teaches(topic: str) -> None:
    lines = starter.starter(topic).splitlines()
    assert max(map(len, lines[1:])) <= 110
    assert sum("# " in line for line in lines) > 5, "comments"
    assert lines[2].startswith("title: ")


def test_the_first_line_leads_editors_to_the_schema(gradcli: Callable[..., Ended]) -> None:
    gradcli("init", "a.yaml")
    first = Path("a.yaml").read_text(encoding="utf-8").partition("\n")[0]
    # the language server reads the word after `$schema=`, up to a blank
    found = re.fullmatch(r"# yaml-language-server: \$schema=(\S+)", first)
    assert found is not None
    address = urlparse(found[1])
    assert address.scheme == "file"
    assert Path(url2pathname(address.path)).read_text(encoding="utf-8") == schema.text()
    assert gradcli("schema", "--modeline") == (0, f"{first}\n", "")


def test_a_place_with_blanks_is_one_word(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schema, "FILE", Path("/my files/é#/schema.json").absolute())
    assert re.fullmatch(
        r"# yaml-language-server: \$schema=file://\S*/my%20files/%C3%A9%23/schema\.json", schema.modeline()
    )


def test_a_file_that_exists_is_kept_unless_forced(gradcli: Callable[..., Ended]) -> None:
    Path("a.yaml").write_text("mine", encoding="utf-8")
    assert gradcli("init", "a.yaml") == (2, "", "error: `a.yaml` exists already\n  `--force` replaces it\n")
    assert Path("a.yaml").read_text(encoding="utf-8") == "mine"
    assert gradcli("init", "a.yaml", "--force")[0] == 0
    assert Path("a.yaml").read_text(encoding="utf-8") == starter.starter("fit")
    assert listing() == ["a.yaml"]


def test_a_link_stays_a_link(gradcli: Callable[..., Ended]) -> None:
    Path("folder").mkdir()
    Path("folder/real.yaml").write_text("mine", encoding="utf-8")
    Path("a.yaml").symlink_to("folder/real.yaml")
    assert gradcli("init", "a.yaml")[0] == 2
    assert gradcli("init", "a.yaml", "--force")[0] == 0
    assert Path("a.yaml").is_symlink()
    assert Path("folder/real.yaml").read_text(encoding="utf-8") == starter.starter("fit")


def test_a_file_system_without_links(gradcli: Callable[..., Ended], monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: Path, target: Path) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(Path, "hardlink_to", refuse)
    assert gradcli("init", "a.yaml")[0] == 0
    assert gradcli("init", "a.yaml")[0] == 2
    assert listing() == ["a.yaml"]


def test_what_cannot_be_written_is_told_by_its_name(
    gradcli: Callable[..., Ended], monkeypatch: pytest.MonkeyPatch
) -> None:
    status, out, err = gradcli("init", "nowhere/a.yaml")
    assert (status, out, err) == (2, "", "error: cannot write `nowhere/a.yaml`: No such file or directory\n")
    Path("folder").mkdir()
    status, _, err = gradcli("init", "folder")
    assert status == 2 and err.startswith("error: `folder` is a folder\n") and "spec.yaml`" in err

    def full(self: Path, target: Path) -> None:
        raise OSError(28, "No space left on device")

    Path("a.yaml").write_text("mine", encoding="utf-8")
    monkeypatch.setattr(Path, "replace", full)
    status, _, err = gradcli("init", "a.yaml", "--force")
    assert (status, err) == (2, "error: cannot write `a.yaml`: No space left on device\n")
    assert Path("a.yaml").read_text(encoding="utf-8") == "mine"
    assert listing() == ["a.yaml", "folder"]


def test_a_name_with_a_blank_is_quoted_for_the_shell(gradcli: Callable[..., Ended]) -> None:
    assert "gradcli run 'my spec.yaml'\n" in gradcli("init", "my spec.yaml")[2]


def test_a_spec_is_printed(gradcli: Callable[..., Ended]) -> None:
    assert gradcli("init", "-", "--template", "misuse") == (0, starter.starter("misuse"), "")
    assert listing() == []


def test_the_topics_are_listed(gradcli: Callable[..., Ended]) -> None:
    status, out, err = gradcli("init", "--list")
    assert (status, err) == (0, "")
    assert [line.split("  ")[0] for line in out.splitlines()] == TOPICS
    assert TOPICS[0] == starter.FIRST == "fit"
    status, _, err = gradcli("init", "--template", "fti")
    assert status == 2 and "`fti` is none of fit, hand-written-gradient, jacobian, misuse" in err


# schema


@pytest.mark.parametrize("name", names())
def test_every_schema_is_printed_and_is_one(name: str, gradcli: Callable[..., Ended]) -> None:
    jsonschema: Any = pytest.importorskip("jsonschema")
    status, out, err = gradcli("schema", "--of", name)
    assert (status, err) == (0, "")
    rules = json.loads(out)
    assert rules["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    jsonschema.Draft202012Validator.check_schema(rules)


def test_the_schema_of_specs_comes_first(gradcli: Callable[..., Ended]) -> None:
    assert gradcli("schema") == gradcli("schema", "--of", "spec") == (0, schema.text(), "")


def test_every_command_with_json_has_a_schema(gradcli: Callable[..., Ended]) -> None:
    with_json = [name for name in app.COMMANDS if re.search(r"^  --json ", gradcli(name, "--help")[1], re.MULTILINE)]
    assert sorted(with_json) == sorted(set(names()) - {"spec"})


@pytest.mark.parametrize(
    ("arguments", "message"),
    [(["--of", "rnu"], "`rnu` is none of spec, "), (["--of", "run", "--modeline"], "only specs have one")],
)
def test_mistakes(arguments: list[str], message: str, gradcli: Callable[..., Ended]) -> None:
    status, out, err = gradcli("schema", *arguments)
    assert (status, out) == (2, "") and message in err


def test_the_package_has_what_is_no_python() -> None:
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert '[tool.hatch.build.targets.wheel]\npackages = ["gradcli"]\n' in project, "the whole folder is packed"
    ignored = (ROOT / ".gitignore").read_text(encoding="utf-8")
    assert not re.search(r"json|yaml|schema|template", ignored), "what git ignores is not packed"
    assert schema.FILE.is_relative_to(ROOT / "gradcli")


# doctor


@pytest.fixture
def doctor(gradcli: Callable[..., Ended], monkeypatch: pytest.MonkeyPatch) -> Callable[[], tuple[int, Any, str, str]]:
    """What `doctor` finds, checked against its schema, with its status, its text and its errors."""
    jsonschema: Any = pytest.importorskip("jsonschema")
    monkeypatch.setenv("PATH", "")  # no driver's program

    def run() -> tuple[int, Any, str, str]:
        status, out, _ = gradcli("doctor", "--json")
        found = json.loads(out)
        jsonschema.validate(found, json.loads(gradcli("schema", "--of", "doctor")[1]))
        assert out.count("\n") == 1 and found["ok"] is (status == 0)
        again, text, err = gradcli("doctor")
        assert again == status
        return status, found, text, err

    return run


def test_the_doctor(doctor: Callable[[], tuple[int, Any, str, str]]) -> None:
    import numpy

    status, found, text, err = doctor()
    assert (status, err, found["problems"]) == (0, "", [])
    versions = {package["name"]: package["version"] for package in found["packages"]}
    assert versions["numpy"] == numpy.__version__ and list(versions) == ["numpy", "pyyaml", "rich", "typer"]
    assert found["python"]["executable"] == sys.executable
    assert found["numpy"]["import_milliseconds"] > 0 and found["numpy"]["blas"]
    assert found["terminal"]["stdout"] is False and found["terminal"]["color"] is False
    rows = dict(re.split(" {2,}", line, maxsplit=1) for line in text.splitlines())
    assert list(rows) == [
        "gradcli", "python", "platform", "numpy", "pyyaml", "rich", "typer", "blas", "cuda", "special",
        "bfloat16", "dask", "gpu", "memory", "terminal",
    ]  # fmt: skip
    assert re.fullmatch(rf"{re.escape(numpy.__version__)}, imported in \d+ ms", rows["numpy"])
    assert rows["terminal"].startswith("not a terminal, no colour, ")


def test_the_requirements_are_those_of_the_project() -> None:
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    listed = project.partition("\ndependencies = [")[2].partition("\n]")[0]
    assert re.findall(r'^    "(.+)",$', listed, re.MULTILINE) == [
        f"{name}{needs}" for name, needs in environment.REQUIRED.items()
    ]
    extras = project.partition("[project.optional-dependencies]\n")[2].partition("\n\n")[0]
    assert {
        extra: (name, needs)
        for extra, name, needs in re.findall(r'^(\w+) = \["([\w-]+)(>=[\d.]+)"\]$', extras, re.MULTILINE)
    } == environment.EXTRAS
    assert f'requires-python = "{environment.PYTHON}"' in project


@pytest.mark.parametrize(
    ("version", "needs", "enough"),
    [
        ("2.0", ">=2.0", True),
        ("2", ">=2.0", True),
        ("2.0.0rc1", ">=2.0", True),
        ("1.26.4", ">=2.0", False),
        ("2.10", ">=2.9", True),
        ("0.29.0", ">=0.21,<0.29", True),
        ("0.9", ">=0.21,<0.29", False),
        ("6.0", ">=6.0.1", False),
        ("14", ">=13.7", True),
    ],
)
def test_versions(version: str, needs: str, enough: bool) -> None:
    assert environment.satisfies(version, needs) is enough


def test_what_is_missing_or_too_old_is_told(
    doctor: Callable[[], tuple[int, Any, str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    import numpy

    monkeypatch.setattr(environment, "REQUIRED", {"numpy": ">=99.1", "no-such-package": ">=1"})
    status, _, text, err = doctor()
    assert status == 2
    assert err.splitlines() == [
        f"error: {found}"
        for found in (
            f"numpy {numpy.__version__} is too old: gradcli needs >=99.1; "
            "update it: python -m pip install 'numpy>=99.1'",
            "no-such-package is not installed; install it: python -m pip install 'no-such-package>=1'",
        )
    ]
    assert "too old (needs >=99.1)" in text and "not installed (needs >=1)" in text


def fake(folder: Path, module: str, package: str, version: str, content: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Installs a module for this process and those it starts."""
    (folder / f"{module}.py").write_text(content, encoding="utf-8")
    information = folder / f"{package.replace('-', '_')}-{version}.dist-info"
    information.mkdir()
    (information / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: {version}\n", "utf-8")
    monkeypatch.syspath_prepend(folder)
    monkeypatch.setenv("PYTHONPATH", str(folder))


def test_a_broken_numpy(
    doctor: Callable[[], tuple[int, Any, str, str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "modules"
    folder.mkdir()
    fake(folder, "numpy", "numpy", "2.9.9", "raise ImportError('libopenblas.so.0:\\n cannot open')", monkeypatch)
    status, _, text, err = doctor()
    assert status == 2
    assert err == "error: numpy 2.9.9 cannot be imported: ImportError: libopenblas.so.0: cannot open\n"
    assert "2.9.9, broken: ImportError" in text


CUPY = """
class runtime:
    getDeviceProperties = staticmethod(lambda device: {"name": b"A GPU", "totalGlobalMem": 80 * 2**30})
    getDeviceCount = staticmethod(lambda: 2)
class cuda:
    is_available = staticmethod(lambda: AVAILABLE)
    runtime = runtime
class arange:
    def __init__(self, count): pass
    def __mul__(self, other): return self
    def __add__(self, other): return self
    def sum(self): return TOTAL
__version__ = "13.4.1"
"""


@pytest.mark.parametrize(
    ("content", "shown"),
    [
        (f"AVAILABLE, TOTAL = True, 64.0\n{CUPY}", "usable: A GPU, 80.0 GiB, the first of 2"),
        (
            f"AVAILABLE, TOTAL = True, 0.0\n{CUPY}",
            "not usable: RuntimeError: a sum on the GPU gave 0.0 instead of 64.0",
        ),
        (f"AVAILABLE, TOTAL = False, 64.0\n{CUPY}", "not usable: RuntimeError: CuPy finds no CUDA device"),
        ("raise ImportError('libcuda.so.1')", "not usable: ImportError: libcuda.so.1"),
        ("import os; os._exit(139)", "not usable: the process that asked it ended without an answer"),
    ],
    ids=["usable", "wrong", "none", "broken", "crashes"],
)
@pytest.mark.parametrize("package", ["cupy-cuda12x", "cupy"])
def test_a_gpu_is_usable_if_it_has_computed_something(
    content: str,
    shown: str,
    package: str,
    doctor: Callable[[], tuple[int, Any, str, str]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder = tmp_path / "modules"
    folder.mkdir()
    fake(folder, "cupy", package, "13.4.1", content, monkeypatch)
    status, found, text, _ = doctor()
    assert status == 0, "a GPU is optional"
    lines = [line.split(maxsplit=1) for line in text.splitlines()]
    assert ["gpu", shown] in lines and ["cuda", f"{package} 13.4.1"] in lines
    assert found["gpu"]["usable"] is shown.startswith("usable")


def test_what_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    assert environment._ask("    time.sleep(60)", seconds=0.2) == {"why": "no answer in 0.2 seconds"}


@pytest.mark.parametrize(
    ("files", "limits"),
    [
        ({}, []),
        ({"/proc/self/cgroup": "0::/\n", "/sys/fs/cgroup/memory.max": "max\n"}, []),
        (
            {
                "/proc/self/cgroup": "0::/a/b\n",
                "/sys/fs/cgroup/a/b/memory.max": "max\n",
                "/sys/fs/cgroup/a/memory.max": "1073741824\n",
            },
            [2**30],
        ),
        (
            {
                "/proc/self/cgroup": "3:cpu:/\n2:memory:/docker/1\n",
                "/sys/fs/cgroup/memory/docker/1/memory.limit_in_bytes": "536870912\n",
                "/sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
            },
            [2**29],
        ),
    ],
    ids=["no files", "no limit", "version 2", "version 1"],
)
def test_limits_of_control_groups(files: dict[str, str], limits: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "_read", lambda path: files.get(path, ""))
    assert environment._group_limits() == limits


# completion


def test_the_scripts_hold_all_commands_options_and_choices(gradcli: Callable[..., Ended]) -> None:
    for shell in SCRIPTS:
        status, script, err = gradcli("completion", shell)
        assert (status, err) == (0, "")
        for command in app.COMMANDS:
            assert re.search(rf"\b{command}\b", script)
            for option in re.findall(r"^  (?:-h, )?--([a-z-]+)", gradcli(command, "--help")[1], re.MULTILINE):
                assert re.search(rf"-(?:-|l ){option}\b", script), (shell, command, option)
        for word in ("always", "hand-written-gradient", "float64", "powershell"):
            assert word in script


def test_what_is_completed_comes_from_the_commands_themselves() -> None:
    by_name = {command.name: command for command in commands(app.program())}
    assert list(by_name) == ["", *app.COMMANDS]
    color = next(option for option in by_name["run"].options if option.names == ["--color"])
    assert (color.kind, color.words, color.several) == ("words", ["auto", "always", "never"], False)
    get = next(option for option in by_name["run"].options if option.names == ["--get"])
    assert (get.kind, get.metavar, get.several) == ("text", "EXPR", True)
    assert [argument.kind for argument in by_name["validate"].arguments] == ["specs"]


LINES = [
    ("gradcli ", set(app.COMMANDS)),
    ("gradcli va", {"validate"}),
    ("gradcli --ver", {"--version"}),
    ("gradcli run --col", {"--color"}),
    ("gradcli run --color ", {"auto", "always", "never"}),
    ("gradcli run --color=a", {"auto", "always"}),
    ("gradcli run a.yaml --dtype float3", {"float32"}),
    ("gradcli run a.yaml ", {"a.yaml", "b c.yml", "folder"}),
    ("gradcli run --get x.grad a", {"a.yaml"}),
    ("gradcli run --get ", set()),
    ("gradcli run --color always fo", {"folder"}),
    ("gradcli validate --j", {"--json"}),
    ("gradcli init --template j", {"jacobian"}),
    ("gradcli init n", {"notes.txt"}),
    ("gradcli schema --of va", {"validate"}),
    ("gradcli schema --of run --m", {"--modeline"}),
    ("gradcli completion z", {"zsh"}),
    ("gradcli completion zsh ", set()),
    ("gradcli nonsense x", set()),
]


@pytest.fixture
def files(tmp_path: Path) -> Path:
    for name in ("a.yaml", "b c.yml", "notes.txt"):
        (tmp_path / name).touch()
    (tmp_path / "folder").mkdir()
    return tmp_path


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")
@pytest.mark.parametrize(("line", "completed"), LINES)
def test_bash_completes(line: str, completed: set[str], files: Path) -> None:
    script = SCRIPTS["bash"](commands(app.program()))
    words = re.findall(r"=|[^= ]+", line)  # as bash takes a line apart
    words += [""] if line.endswith(" ") else []
    quoted = " ".join(f"'{word}'" for word in words)
    call = f"COMP_WORDS=({quoted}) COMP_CWORD={len(words) - 1}\n_gradcli\nprintf '%s\\n' \"${{COMPREPLY[@]}}\""
    ended = subprocess.run(
        ["bash", "--norc", "-c", f"{script}\n{call}"], cwd=files, capture_output=True, text=True, timeout=60
    )
    assert ended.stderr == ""
    assert set(ended.stdout.splitlines()) - {""} == completed


@pytest.mark.skipif(shutil.which("fish") is None, reason="there is no fish")
@pytest.mark.parametrize(("line", "completed"), [line for line in LINES if line[1]])
def test_fish_completes(line: str, completed: set[str], files: Path) -> None:
    (files / "script.fish").write_text(SCRIPTS["fish"](commands(app.program())), encoding="utf-8")
    command = ["fish", "--no-config", "-c", f"source script.fish; rm script.fish; complete -C '{line}'"]
    environment = {**os.environ, "HOME": str(files / "folder")}
    ended = subprocess.run(command, cwd=files, env=environment, capture_output=True, text=True, timeout=60)
    assert ended.stderr == ""
    offered = {word.partition("\t")[0].rpartition("=")[2].rstrip("/") for word in ended.stdout.splitlines()}
    assert completed <= offered <= completed | {"notes.txt"}  # other files come after those of the kind


@pytest.mark.skipif(shutil.which("zsh") is None, reason="there is no zsh")
def test_zsh_reads_its_script() -> None:
    script = SCRIPTS["zsh"](commands(app.program()))
    program = f"autoload -U compinit; compinit -D -u\n{script}\nprint ${{_comps[gradcli]}}"
    ended = subprocess.run(["zsh", "-f", "-c", program], capture_output=True, text=True, timeout=60)
    assert (ended.stdout, ended.stderr) == ("_gradcli\n", "")

"""Specs as scripts for torch: how they look, and, with torch at hand, that they say what `gradcli run` says."""

from __future__ import annotations

import ast
import contextlib
import io
import os
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from gradcli.cli import app
from gradcli.errors import UserError
from gradcli.export.python import quoted
from gradcli.export.torch.document import script
from gradcli.export.torch.names import OF_BOTH, function_name
from gradcli.files.save import save
from gradcli.ops import frontend
from gradcli.spec import starter
from gradcli.spec.document import load_specs
from gradcli.spec.source import Source, read_source
from tests.test_docs import BLOCKS

ROOT = Path(__file__).parents[2]
SPECS = sorted((ROOT / "specs").rglob("*.yaml"))
UNUSUAL = sorted((ROOT / "tests" / "cases" / "export").glob("*.yaml"))
LIVE = 200


def exported(text: str) -> str:
    return script(load_specs(Source("spec.yaml", text)))


def prints_the_same(path: str) -> None:
    """Whether the script of a spec prints what `gradcli run` does; `path` is seen from the current folder."""
    from .running import run

    ours = io.StringIO()
    with contextlib.redirect_stdout(ours), contextlib.redirect_stderr(io.StringIO()):
        assert app.run(["run", path]) == 0
    names, theirs = run(script(load_specs(read_source(path))))
    assert "raised" not in names
    assert theirs == ours.getvalue()


@pytest.mark.parametrize("path", SPECS + UNUSUAL, ids=lambda path: path.stem)
def test_a_script_looks_as_it_did(
    path: Path, golden: Callable[[str, str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    golden(f"export/torch/{path.stem}.py", script(load_specs(path.relative_to(ROOT).as_posix())))


@pytest.mark.torch
@pytest.mark.parametrize("path", SPECS + UNUSUAL, ids=lambda path: path.stem)
def test_a_script_prints_what_the_spec_prints(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch")
    monkeypatch.chdir(ROOT)
    prints_the_same(path.relative_to(ROOT).as_posix())


def documented() -> Iterator[Any]:
    yield from (pytest.param(block.text, id=block.place) for block in BLOCKS if block.info == "yaml")
    yield from (pytest.param(starter.starter(topic), id=topic) for topic in starter.topics())


@pytest.mark.torch
@pytest.mark.parametrize("text", [*documented()])
def test_a_documented_spec_prints_the_same(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch")
    monkeypatch.chdir(tmp_path)
    for block in BLOCKS:
        if block.info.startswith("csv "):
            Path(block.info.removeprefix("csv ")).write_text(block.text, encoding="utf-8")
    Path("spec.yaml").write_text(text, encoding="utf-8")
    prints_the_same("spec.yaml")


FILES = """
tensors:
  a: {load: data/a.npy, requires_grad: true}
  b: {load: "data/ab.npz:b", dtype: float32}
  c: {load: data/c.npz}
  d: {load: "data/d.safetensors:d"}
  e: {load: data/e.csv}
  f: {load: data/f.csv, dtype: float64}
  g: {load: data/g.json}
pipeline:
  - backward: (a * 2).sum()
  - print: [a, b, c, d, e, f, g, a.grad]
  - expect: {d: {load: "data/d.safetensors"}, f: {load: data/f.csv}, g: {load: data/g.json}}
"""


@pytest.mark.torch
def test_files_are_read_as_gradcli_reads_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch")
    monkeypatch.chdir(tmp_path)
    folder = Path("specs/data")
    folder.mkdir(parents=True)
    np.save(folder / "a.npy", np.array([[1.5, 2.5]]))
    save(str(folder / "ab.npz"), {"a": np.arange(3), "b": np.arange(2.0)})
    save(str(folder / "c.npz"), {"c": np.array([True, False])})
    save(str(folder / "d.safetensors"), {"c": np.arange(3), "d": np.array([[1, 2]], np.int16)})
    save(str(folder / "d.safetensors"), {"d": np.array([[1, 2]], np.int16)})
    (folder / "e.csv").write_text("1;2\n\n3;4\n", encoding="utf-8")
    (folder / "f.csv").write_text("\n\nx,y\n0.1,nan\n", encoding="utf-8")
    (folder / "g.json").write_text("[[1.5, NaN], [2, 3]]", encoding="utf-8")
    Path("specs/files.yaml").write_text(FILES, encoding="utf-8")
    prints_the_same("specs/files.yaml")


@pytest.mark.torch
def test_scripts_of_drawn_pipelines_compute_what_torch_computes() -> None:
    pytest.importorskip("torch")
    from tests.pipelines import torch_oracle
    from tests.pipelines.generate import pipelines
    from tests.pipelines.pipeline import OPENING, spec_text

    from .running import run

    seed = int(os.environ.get("GRADCLI_TEST_SEED") or random.SystemRandom().randrange(10**6))
    print(f"GRADCLI_TEST_SEED={seed}")
    for pipeline in pipelines(seed, LIVE):
        text = exported(spec_text(pipeline))
        names, _ = run(text)
        answer = torch_oracle.answer(pipeline)
        # torch names the function that was the hook
        raised = str(names["raised"]).replace("<lambda>", "hook")[:OPENING] if "raised" in names else None
        assert raised == (None if answer["error"] is None else answer["error"]["opening"]), text
        bindings = {name: torch_oracle.described(names[name], lambda tensor: 0) for name in answer["bindings"]}
        # the same library has computed both: nothing can differ but how often the script has changed what
        assert repr(without_versions(bindings)) == repr(without_versions(answer["bindings"])), text


def without_versions(part: Any) -> Any:
    if isinstance(part, dict):
        return {key: without_versions(value) for key, value in part.items() if key != "version"}
    return [without_versions(item) for item in part] if isinstance(part, list) else part


@pytest.mark.torch
def test_torch_has_the_functions_where_scripts_look_for_them() -> None:
    torch = pytest.importorskip("torch")
    functional = torch.nn.functional
    for name in {name.rpartition("::")[2] for name in frontend.table()} | frontend.ALIAS_NAMES.keys():
        if name.startswith("_") or frontend.find(name) is None or name in ("jacobian", "hessian", "vjp", "jvp", "hvp"):
            continue
        place = function_name(name)
        if place == "":
            assert hasattr(torch.Tensor, name) and not callable(getattr(torch, name, None))
        elif place is not None:
            value: Any = {"torch": torch, "F": functional}[place.partition(".")[0]]
            for part in place.split(".")[1:]:
                value = getattr(value, part)
            # kernels of torch with other signatures than users know
            own = getattr(functional, name, value)
            assert value is own or name in OF_BOTH or name == "grad", name


@given(st.text())
def test_text_is_quoted_as_python_reads_it(text: str) -> None:
    assert ast.literal_eval(quoted(text)) == text


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1))
def test_text_of_a_spec_is_never_code(text: str) -> None:
    spec = {
        "title": text,
        "params": {"text": text},
        "tensors": {"x": "ones(2)"},
        "pipeline": [
            {"print": {text: "x"}},
            {"expect_error": {"steps": [{"retain_grad": ["x"]}], "match": text}},
        ],
    }
    tree = ast.parse(exported(yaml.safe_dump(spec, allow_unicode=True, default_style='"')))
    assert [type(node).__name__ for node in tree.body] == ["Import", "Expr", "Assign", "Assign", "Expr", "Try"]
    strings = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    assert strings == {text, f"{text}:", "no error"}


@pytest.mark.parametrize(
    ("spec", "message", "place"),
    [
        ("pipeline: [expect: {pi: }]", "`pi` has no value yet", (1, 21)),
        ("tensors: {x: {load: none.csv}}", "there is no file `none.csv`", (1, 21)),
        (
            "functions: {'f(a)': {forward: a * 2, backward: {a: grad * a}}}\n"
            "tensors: {x: 1.0}\npipeline: [y: f(x), z: f(2)]",
            "`f` is called with a tensor and with a number for `a`",
            (1, 31),
        ),
        ("tensors: {x: 1.0}\npipeline: [print: zero(x)]", "torch has no function `zero`", (2, 19)),
    ],
)
def test_what_has_no_counterpart_is_an_error_with_its_place(spec: str, message: str, place: tuple[int, int]) -> None:
    with pytest.raises(UserError, match=message.replace("`", ".")) as raised:
        exported(spec)
    assert raised.value.span is not None and (raised.value.span.line, raised.value.span.column) == place

"""Tensors from files and to files: what is read, what is refused, and what a file is while it is replaced."""

from __future__ import annotations

import io
import json
import math
import os
import pickle
import stat
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gradcli.engine import memory
from gradcli.engine.dtypes import TYPE_NAMES, dtype_named
from gradcli.errors import UserError
from gradcli.files import save
from gradcli.files.access import Access
from gradcli.files.load import load
from gradcli.report.arrays import arrays_of
from gradcli.report.model import Report
from gradcli.runner import run
from gradcli.spec.document import load_specs

# as the format's documentation names them
SAFETENSORS = {
    "bool": "BOOL", "uint8": "U8", "int8": "I8", "int16": "I16", "int32": "I32", "int64": "I64",
    "float16": "F16", "bfloat16": "BF16", "float32": "F32", "float64": "F64", "complex64": "C64",
}  # fmt: skip


def some(dtype: str) -> Any:
    """A 2x3 array whose bytes are all different."""
    values = np.array([[0, 1, 2], [3, 4, 100]])
    return (values % 2).astype(dtype) if dtype == "bool" else values.astype(dtype_named(dtype))


def npy(array: Any, **options: Any) -> bytes:
    file = io.BytesIO()
    write: Any = np.lib.format.write_array  # which older NumPy has without types
    write(file, array, **options)
    return file.getvalue()


def header(text: str, data: bytes = b"", version: int = 1) -> bytes:
    """A .npy file with any header at all."""
    length = struct.pack("<H" if version == 1 else "<I", len(text))
    return b"\x93NUMPY" + bytes([version, 0]) + length + text.encode() + data


def npz(method: int = zipfile.ZIP_STORED, **members: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(f"{name}.npy", content)
    return file.getvalue()


def safetensors(entries: Any, data: bytes = b"") -> bytes:
    text = entries if isinstance(entries, bytes) else json.dumps(entries).encode()
    return struct.pack("<Q", len(text)) + text + data


def entry(dtype: str, shape: list[int], begin: int, end: int) -> dict[str, Any]:
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


@pytest.fixture
def read(tmp_path: Path) -> Callable[..., Any]:
    """What is loaded from a file with some content."""

    def read_content(name: str, content: bytes | str, key: str | None = None) -> Any:
        (tmp_path / name).write_bytes(content.encode() if isinstance(content, str) else content)
        return load(name, key, Access(str(tmp_path / "spec.yaml")))

    return read_content


@pytest.fixture
def report(tmp_path: Path) -> Callable[..., Report]:
    """What comes of a spec in a folder with files."""

    def run_spec(text: str, files: dict[str, bytes] | None = None, **options: Any) -> Report:
        folder = tmp_path / "specs"
        folder.mkdir(exist_ok=True)
        for name, content in (files or {}).items():
            (folder / name).write_bytes(content)
        (folder / "spec.yaml").write_text(text, encoding="utf-8")
        (spec,) = load_specs(str(folder / "spec.yaml"))
        return run(spec, **options)

    return run_spec


def error_of(report: Report) -> UserError:
    assert report.error is not None
    return report.error


def tensors(report: Report) -> dict[str, Any]:
    assert report.error is None, report.error
    return {binding.name: binding.state.value for binding in report.bindings if binding.state is not None}


# reading


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("dtype", [name for name in TYPE_NAMES if name != "bfloat16"])
def test_npy_of_every_dtype_in_both_byte_orders(dtype: str, order: Literal["<", ">"], read: Callable[..., Any]) -> None:
    stored = some(dtype).astype(np.dtype(dtype).newbyteorder(order))
    for array in (stored, np.asfortranarray(stored)):
        loaded = read("a.npy", npy(array))
        assert loaded.dtype == np.dtype(dtype) and loaded.dtype.isnative
        assert loaded.flags.c_contiguous and loaded.flags.writeable
        assert np.array_equal(loaded, some(dtype))


@pytest.mark.parametrize("version", [(1, 0), (2, 0), (3, 0)])
@pytest.mark.parametrize("shape", [(), (0,), (1,), (2, 0, 3), (1,) * 32])
def test_npy_of_every_version_and_shape(
    version: tuple[int, int], shape: tuple[int, ...], read: Callable[..., Any]
) -> None:
    loaded = read("A.NPY", npy(np.ones(shape), version=version))
    assert loaded.shape == shape and (loaded == 1).all()


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_npz(method: int, read: Callable[..., Any]) -> None:
    one, two = some("float32"), np.array(7)
    archive = npz(method, one=npy(one), **{"w.grad": npy(two)})
    assert np.array_equal(read("a.npz", archive, "one"), one)
    assert read("a.npz", archive, "w.grad") == 7
    assert read("a.npz", npz(method, two=npy(two))) == 7  # the only one


def test_npz_as_numpy_writes_it(tmp_path: Path) -> None:
    for write in (np.savez, np.savez_compressed):
        write(tmp_path / "a.npz", x=some("int16"), y=np.zeros((300, 300)))
        assert np.array_equal(load("a.npz", "x", Access(str(tmp_path / "spec.yaml"))), some("int16"))


@pytest.mark.parametrize("dtype", SAFETENSORS)
def test_safetensors_of_every_dtype(dtype: str, read: Callable[..., Any]) -> None:
    data = some(dtype).tobytes()
    size = len(data)
    content = safetensors(
        {
            "__metadata__": {"format": "pt"},
            "layer.0:w": entry(SAFETENSORS[dtype], [2, 3], 8, 8 + size),
            "b": entry("F64", [], 0, 8),
        },
        struct.pack("<d", 2.5) + data,
    )
    loaded = read("a.safetensors", content, "layer.0:w")
    assert loaded.dtype == dtype_named(dtype) and np.array_equal(loaded, some(dtype))
    assert read("a.safetensors", content, "b") == 2.5


@pytest.mark.parametrize(
    ("content", "rows"),
    [
        ("1,2\n3,4\n", [[1, 2], [3, 4]]),
        ("1\n2", [[1], [2]]),
        ("\ufeffa,b\r\n1,-2.5e3\r\n\r\n+3,.5\r\n", [[1, -2500.0], [3, 0.5]]),
        ('"first, of all";second\n1;2\n', [[1, 2]]),
        ("# x\ty\n1\t2\n\n  \n", [[1, 2]]),
        (",a,b\n0, 1, 2 \n", [[0, 1, 2]]),
        ("inf,-Infinity\n1.,NaN\n", [[math.inf, -math.inf], [1.0, math.nan]]),
        ('"1","2"\r"3","4"', [[1, 2], [3, 4]]),
        ("-9223372036854775808", [[-(2**63)]]),
        ("1e999", [[math.inf]]),
    ],
)
def test_csv(content: str, rows: list[list[float]], read: Callable[..., Any]) -> None:
    assert repr(read("a.csv", content)) == repr(rows)


@pytest.mark.parametrize(
    ("content", "value"),
    [
        ("[[1, 2], [3, 4]]", [[1, 2], [3, 4]]),
        ("2.5", 2.5),
        ('[1e3, "nan", "inf", "-inf", NaN, -Infinity]', [1000.0, math.nan, math.inf, -math.inf, math.nan, -math.inf]),
        ("[true, false]", [True, False]),
        ("\ufeff []", []),
    ],
)
def test_json(content: str, value: Any, read: Callable[..., Any]) -> None:
    assert repr(read("a.json", content)) == repr(value)


def test_dtypes_in_a_spec(report: Callable[..., Report]) -> None:
    loaded = tensors(
        report(
            """
            dtype: float64
            tensors:
              kept: {load: a.npy}
              converted: {load: a.npy, dtype: int32}
              whole: {load: whole.csv}
              mixed: {load: mixed.json, requires_grad: true}
              exact: {load: exact.json, dtype: float64}
              single: {load: exact.json, dtype: float32}
            pipeline:
              - "kept[0] = 5"
              - "converted.add_(1)"
            """,
            {
                "a.npy": npy(np.array([1.0, 2.0], "float16")),
                "whole.csv": b"1,2",
                "mixed.json": b"[1, 2.5]",
                "exact.json": b"0.1",
            },
        )
    )
    assert {name: value.dtype.name for name, value in loaded.items()} == {
        "kept": "float16", "converted": "int32", "whole": "int64",
        "mixed": "float64", "exact": "float64", "single": "float32",
    }  # fmt: skip
    assert loaded["kept"].tolist() == [5, 2] and loaded["converted"].tolist() == [2, 3]
    assert loaded["exact"] == 0.1 and loaded["single"] == np.float32(0.1)


def test_expected_values_from_files(report: Callable[..., Report]) -> None:
    files = {
        "g.npz": npz(w=npy(np.array([2, 4], "float32")), off=npy(np.array([2, 4.1]))),
        "w.json": b"[0.1, 0.2]",
        "ragged.json": b"[[1], [1, 2]]",
    }
    text = """
        tensors: {{w: {{data: [0.1, 0.2], requires_grad: true}}, v: [2.0, 4.0]}}
        pipeline:
          - backward: (w * v).sum()
          - expect: {{w.grad: {{load: "g.npz:{}"}}, w: {{load: {}}}}}
        """
    assert report(text.format("w", "w.json"), files).ok
    failed = report(text.format("off", "w.json"))
    assert failed.error is None
    assert [(item.expr, item.index) for item in failed.failures] == [("w.grad", (1,))]
    wrong = error_of(report(text.format("w", "ragged.json")))
    assert wrong.message == "expected sequence of length 1 at dim 1 (got 2)"
    assert wrong.span is not None and (wrong.span.line, wrong.span.column) == (5, 59)


# refusing

SHAPE_3 = "{'descr': '<f8', 'fortran_order': False, 'shape': (3,), }"
REFUSED = [
    ("a.npy", b"", "does not begin as a .npy file"),
    ("a.npy", b"PK\x03\x04" + bytes(40), "does not begin as a .npy file"),
    ("a.npy", npy(some("float32"))[:-1], "needs 24 bytes, and it has 23"),
    ("a.npy", npy(some("float32")) + b"\0", "needs 24 bytes, and it has 25"),
    ("a.npy", npy(some("float32"))[:50], "describes no array"),
    ("a.npy", npy(np.array([{}], object), allow_pickle=True), "Python objects that only pickle could read"),
    ("a.npy", pickle.dumps([1.0]), "does not begin as a .npy file"),
    ("a.npy", npy(np.zeros(2, [("x", "f8"), ("y", "i4")])), "describes no array of numbers"),
    ("a.npy", npy(np.array(["text"])), "its elements are `<U4`, and not numbers"),
    ("a.npy", npy(np.array(["2026-01-01"], "M8[D]")), "its elements are `<M8[D]`"),
    ("a.npy", npy(np.zeros(2, "longdouble")), "its dtype is "),
    ("a.npy", header(SHAPE_3.replace("f8", "f3"), bytes(24)), "its elements are `<f3`"),
    ("a.npy", header(SHAPE_3.replace("(3,)", "(4294967296,)")), "and it has 0"),
    ("a.npy", header(SHAPE_3.replace("(3,)", "(0, 9999999999999999999)")), "there can be no array"),
    ("a.npy", header(SHAPE_3.replace("(3,)", "(1,)" * 9)), "describes no array"),
    ("a.npy", header(SHAPE_3.replace("(3,)", f"({'1, ' * 33})"), bytes(8)), "it has 33 dimensions"),
    ("a.npy", header(SHAPE_3.replace("(3,)", "(-3,)"), bytes(24)), "describes no array"),
    ("a.npy", header(SHAPE_3.replace("False", "__import__('os').system('true')"), bytes(24)), "describes no array"),
    ("a.npy", header(SHAPE_3.replace("'descr'", "'extra': True, 'descr'"), bytes(24)), "describes no array"),
    ("a.npy", header(SHAPE_3, bytes(24), version=4), "version 4"),
    ("a.npy", header("{" + " " * 20_000, version=2), "its header has 20,001 bytes"),
    ("a.npy", header(SHAPE_3.replace("<f8", "|b1"), b"\x01\x00\x02"), "neither true nor false"),
    ("a.npz", b"", "no .npz file in order"),
    ("a.npz", npy(some("float32")), "no .npz file in order"),
    ("a.npz", npz(a=b"not an array"), "does not begin as a .npy file"),
    ("a.npz", npz(zipfile.ZIP_BZIP2, a=npy(some("float32"))), "compressed in another way"),
    ("a.npz", npz(a=npy(some("float32"))).replace(b"\x00\x00\x80\x3f", b"\x00\x00\x80\x40"), "Bad CRC-32"),
    ("a.npz", npz(a=header(SHAPE_3.replace("(3,)", "(4294967296,)"))), "and it has 0"),
    ("a.npz", npz(), "has 0 arrays, and one is needed"),
    ("a.npz", npz(a=npy(some("int8")), b=npy(some("int8"))), "has 2 arrays, and one is needed"),
    ("a.npz:c", npz(a=npy(some("int8"))), "has no array `c`"),
    ("a.safetensors", b"\x08", "does not begin as a .safetensors file"),
    ("a.safetensors", struct.pack("<Q", 2**40) + b"{}", "does not begin as a .safetensors file"),
    ("a.safetensors", safetensors(b"{'a': 1}"), "its header is no JSON"),
    ("a.safetensors", safetensors(b"[" * 50_000), "its header is no JSON"),
    ("a.safetensors", safetensors([]), "its header is no mapping"),
    ("a.safetensors", safetensors({"a": 5}), "does not describe `a` as a tensor"),
    ("a.safetensors", safetensors({"a": entry("F32", [-1], 0, 0)}), "does not describe `a`"),
    ("a.safetensors", safetensors(b'{"a": 1, "a": 1}'), "a name comes twice"),
    ("a.safetensors", safetensors({"a": entry("F32", [2], 0, 8)}), "its tensors do not fill the file"),
    ("a.safetensors", safetensors({"a": entry("F32", [1], 0, 4)}, bytes(8)), "its tensors do not fill the file"),
    ("a.safetensors", safetensors({"a": entry("F32", [3], 0, 8)}, bytes(8)), "needs 12 bytes, and it has 8"),
    ("a.safetensors", safetensors({"a": entry("F8_E4M3", [8], 0, 8)}, bytes(8)), "its dtype is `F8_E4M3`"),
    ("a.csv", b"", "it has no numbers"),
    ("a.csv", b"x,y\n\n", "it has no numbers"),
    ("a.csv", b"1,2\n3\n", "line 2 has 1 columns, and those before it have 2"),
    ("a.csv", b"x,y\n\n1,2,3\n", "line 3 has 3 columns, and those before it have 2"),
    ("a.csv", b"1,x\n", "column 2 of line 1 is no number, `x`"),
    ("a.csv", b"x;y\n1,5;2,5\n", "column 1 of line 2 is no number, `1,5`"),
    ("a.csv", b"1,\n", "column 2 of line 1 is empty"),
    ("a.csv", b"1,9223372036854775808\n", "column 2 of line 1 does not fit into int64"),
    ("a.csv", b"9" * 5000 + b",1\n", "is no number, `9999"),
    ("a.csv", b"1\n1_000\n", "column 1 of line 2 is no number, `1_000`"),
    ("a.csv", b"1,\xff\n", "byte 0xff in line 1 is no UTF-8"),
    ("a.csv", b'1,"' + b"2" * 200_000, "field larger than field limit"),
    ("a.json", b"", "it is no JSON"),
    ("a.json", b"[1, 2", "it is no JSON"),
    ("a.json", b"[" * 100_000, "it is nested too deep"),
    ("a.json", b"[" * 40 + b"]" * 40, "nested more than 32 deep"),
    ("a.json", b'{"w": [1]}', "it has a mapping where a number"),
    ("a.json", b"[1, null]", "it has null where a number"),
    ("a.json", b'[1, "2"]', "it has the text `2` where a number"),
    ("a.json", b"[9223372036854775808]", "an integer does not fit into int64"),
    ("a.json", b"[" + b"9" * 5000 + b"]", "it is no JSON"),
    ("a.json", b"[[1], [1, 2]]", "expected sequence of length 1 at dim 1 (got 2)"),
]


@pytest.mark.parametrize(("path", "content", "message"), REFUSED, ids=range(len(REFUSED)))
def test_what_is_wrong_with_a_file(path: str, content: bytes, message: str, report: Callable[..., Report]) -> None:
    text = f'title: refused\ntensors: {{a: {{load: "{path}"}}}}\n'
    error = error_of(report(text, {path.partition(":")[0]: content}))
    assert message in error.message and error.kind in ("io", "value")
    assert error.span is not None and (error.span.line, error.span.column) == (2, 21)
    assert "\n" not in error.message + (error.hint or "")


@pytest.mark.parametrize(
    ("path", "content", "hint"),
    [
        ("a.npy", npy(np.zeros(2, "longdouble")), "save it as float64"),
        ("a.npz:wieght", npz(bias=npy(np.ones(1)), weight=npy(np.ones(1))), "did you mean `weight`?"),
        ("a.npz:z", npz(bias=npy(np.ones(1)), weight=npy(np.ones(1))), "it has `bias`, `weight`"),
        ("a.npz", npz(bias=npy(np.ones(1)), weight=npy(np.ones(1))), "write `a.npz:key`, with one of `bias`, `weight`"),
        ("a.csv", b"x;y\n1,5;2,5\n", "write numbers with a point"),
        ("a.csv", b"1 2\n3 4\n", "separate the columns"),
        ("a.csv", b"1,\n", "`nan` stands for a number that is missing"),
    ],
)
def test_how_to_mend_it(path: str, content: bytes, hint: str, report: Callable[..., Report]) -> None:
    error = error_of(report(f'tensors: {{a: {{load: "{path}"}}}}\n', {path.partition(":")[0]: content}))
    assert error.hint is not None and error.hint.startswith(hint)


def test_an_encrypted_archive(report: Callable[..., Report]) -> None:
    content = bytearray(npz(a=npy(some("float32"))))
    content[content.rindex(b"PK\x01\x02") + 8] |= 1
    content[6] |= 1
    assert "encrypted" in error_of(report('tensors: {a: {load: "a.npz"}}\n', {"a.npz": bytes(content)})).message


def test_a_small_archive_of_a_large_array_is_not_unpacked(report: Callable[..., Report]) -> None:
    """128 KB that would be 128 MB."""
    content = npz(zipfile.ZIP_DEFLATED, a=npy(np.zeros(2**24)))
    assert len(content) < 2**18
    error = error_of(report('tensors: {a: {load: "a.npz"}}\n', {"a.npz": content}, max_memory=2**20))
    assert (error.kind, error.message) == (
        "limit",
        "a tensor of shape [16777216] of float64 needs 128 MiB, and all together may take 1.0 MiB",
    )


def test_a_text_that_is_too_long_is_not_read(report: Callable[..., Report]) -> None:
    error = error_of(report("tensors: {a: {load: a.csv}}\n", {"a.csv": b"1\n" * 2**20}, max_memory=2**20))
    assert (error.kind, error.message) == ("limit", "the file needs 2.0 MiB, and all together may take 1.0 MiB")


# which files


def test_a_missing_file(report: Callable[..., Report]) -> None:
    error = error_of(report("tensors: {a: {load: waights.npy}}\n", {"weights.npy": b""}))
    assert (error.kind, error.message) == ("io", "there is no file `waights.npy`")
    assert error.hint == "did you mean `weights.npy`?"
    assert "there is no folder" in str(error_of(report("tensors: {a: {load: data/a.npy}}\n")).hint)


@pytest.mark.parametrize("absolute", [True, False])
def test_a_file_outside_the_folder(absolute: bool, report: Callable[..., Report], tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("[1, 2]")
    text = f"tensors: {{a: {{load: {tmp_path if absolute else '..'}/a.json}}}}\n"
    error = error_of(report(text))
    assert error.kind == "io" and error.message.endswith("a.json` lies outside the folder of the spec")
    assert error.hint == f"allow it with `--allow-path {tmp_path.resolve()}`"
    assert tensors(report(text, allow_path=[str(tmp_path)]))["a"].tolist() == [1, 2]


def test_whether_a_file_outside_exists_is_not_told(report: Callable[..., Report], tmp_path: Path) -> None:
    (tmp_path / "there.json").write_text("1")
    messages = [
        error_of(report(f"tensors: {{a: {{load: ../{name}.json}}}}\n")).message.replace(name, "")
        for name in ("there", "missing")
    ]
    assert messages[0] == messages[1]


def test_symbolic_links_are_followed_before_it_is_judged(report: Callable[..., Report], tmp_path: Path) -> None:
    report("tensors: {}\n")
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "a.json").write_text("1")
    (tmp_path / "specs" / "b.json").write_text("2")
    (tmp_path / "specs" / "link.json").symlink_to("../outside/a.json")
    (tmp_path / "specs" / "folder").symlink_to("../outside")
    (tmp_path / "specs" / "inside.json").symlink_to("b.json")
    (tmp_path / "specs" / "loop.json").symlink_to("loop.json")
    (tmp_path / "way").symlink_to("specs")
    for path in ("link.json", "folder/a.json", "folder/../outside/a.json"):
        assert "lies outside" in error_of(report(f"tensors: {{a: {{load: {path}}}}}\n")).message
    assert tensors(report("tensors: {a: {load: inside.json}, b: {load: ../way/b.json}}\n")).keys() == {"a", "b"}
    assert "cannot read `loop.json`" in error_of(report("tensors: {a: {load: loop.json}}\n")).message


def test_what_is_no_regular_file(report: Callable[..., Report], tmp_path: Path) -> None:
    report("tensors: {}\n")
    (tmp_path / "specs" / "folder.npy").mkdir()
    os.mkfifo(tmp_path / "specs" / "fifo.npy")
    assert error_of(report("tensors: {a: {load: folder.npy}}\n")).message == "cannot read `folder.npy`: it is a folder"
    message = error_of(report("tensors: {a: {load: fifo.npy}}\n")).message
    assert message == "cannot read `fifo.npy`: it is no regular file"


def test_a_file_that_may_not_be_read(report: Callable[..., Report], monkeypatch: pytest.MonkeyPatch) -> None:
    before = os.open

    def refuse(path: Any, *args: Any) -> int:
        if str(path).endswith("a.npy"):
            raise PermissionError(13, "Permission denied", path)
        return before(path, *args)

    monkeypatch.setattr(os, "open", refuse)
    message = error_of(report("tensors: {a: {load: a.npy}}\n", {"a.npy": b""})).message
    assert message == "cannot read `a.npy`: Permission denied"


def test_a_name_that_no_file_can_have(report: Callable[..., Report]) -> None:
    assert "no file can have this name" in error_of(report('tensors: {a: {load: "a\\0.npy"}}\n')).message
    assert "File name too long" in error_of(report(f"tensors: {{a: {{load: {'a' * 300}.npy}}}}\n")).message


def test_documents_and_matrices_load_from_the_folder_of_their_file(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("1")
    (tmp_path / "s.yaml").write_text("title: x\n---\nmatrix: {n: [1, 2]}\ntensors: {a: {load: a.json}}\n")
    from gradcli.spec.document import expand

    first, second = load_specs(str(tmp_path / "s.yaml"))
    assert [tensors(run(spec)).keys() for spec in (first, *expand(second))] == [set(), {"a"}, {"a"}]


# whatever a file contains, it is read rightly or refused


VALID = {
    "a.npy": npy(np.arange(12.0).reshape(3, 4)),
    "b.npy": npy(np.asfortranarray(some("complex64"))),
    "c.npz": npz(a=npy(some("float32"))),
    "d.npz": npz(zipfile.ZIP_DEFLATED, a=npy(np.zeros((40, 40)))),
    "e.safetensors": safetensors({"a": entry("F32", [2, 3], 0, 24)}, some("float32").tobytes()),
    "f.safetensors": safetensors({"a": entry("BOOL", [3], 0, 3)}, b"\1\0\1"),
    "g.csv": b"x;y\r\n1;2.5\r\n\r\n-3e5;nan\r\n",
    "h.json": b'[[1, -2.5e3], [NaN, "inf"]]',
}


@settings(deadline=None, max_examples=400)
@given(
    name=st.sampled_from(sorted(VALID)),
    cuts=st.lists(
        st.tuples(st.floats(0, 1), st.integers(0, 12), st.binary(max_size=12)),
        min_size=1,
        max_size=4,
    ),
    end=st.one_of(st.just(1.0), st.floats(0, 1)),
)
def test_corrupt_files(
    name: str, cuts: list[tuple[float, int, bytes]], end: float, tmp_path_factory: pytest.TempPathFactory
) -> None:
    content = VALID[name]
    for where, removed, added in cuts:
        place = int(where * len(content))
        content = content[:place] + added + content[place + removed :]
    check_read(name, content[: int(end * len(content))], tmp_path_factory.getbasetemp())


@settings(deadline=None, max_examples=300)
@given(name=st.sampled_from(sorted(VALID)), place=st.integers(0, 10**6), value=st.integers(0, 255))
def test_one_wrong_byte(name: str, place: int, value: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    content = bytearray(VALID[name])
    content[place % len(content)] = value
    check_read(name, bytes(content), tmp_path_factory.getbasetemp())


@settings(deadline=None)
@given(name=st.sampled_from(sorted(VALID)), content=st.one_of(st.binary(), st.text().map(str.encode)))
def test_anything_at_all(name: str, content: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    check_read(name, content, tmp_path_factory.getbasetemp())


def check_read(name: str, content: bytes, folder: Path) -> None:
    (folder / name).write_bytes(content)
    try:
        with memory.limited(2**28):
            value = load(name, None, Access(str(folder / "spec.yaml")))
    except UserError as error:
        assert error.kind in ("io", "limit") and error.message
        return
    if name.endswith(".npz"):  # archives have checksums
        assert np.array_equal(value, some("float32") if name == "c.npz" else np.zeros((40, 40)))
    elif name.endswith((".npy", ".safetensors")):
        assert value.dtype.name in TYPE_NAMES and value.nbytes <= len(content)
        value.tolist()
    else:
        np.asarray(value, object)


@settings(deadline=None)
@given(
    value=st.recursive(st.one_of(st.integers(-(2**63), 2**63 - 1), st.floats(), st.booleans()), st.lists, max_leaves=20)
)
def test_numbers_come_back_from_json(value: Any, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.getbasetemp()
    (folder / "numbers.json").write_text(json.dumps(value))
    assert repr(load("numbers.json", None, Access(str(folder / "spec.yaml")))) == repr(value)


@settings(deadline=None)
@given(
    rows=st.integers(1, 4).flatmap(
        lambda width: st.lists(
            st.lists(st.one_of(st.integers(-(2**63), 2**63 - 1), st.floats()), min_size=width, max_size=width),
            min_size=1,
        )
    ),
    separator=st.sampled_from(",;\t"),
    header=st.booleans(),
)
def test_numbers_come_back_from_csv(
    rows: list[list[float]], separator: str, header: bool, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.getbasetemp()
    lines = [separator.join("abcd"[: len(rows[0])])] * header + [separator.join(map(repr, row)) for row in rows]
    (folder / "numbers.csv").write_text("\n".join(lines) + "\n")
    assert repr(load("numbers.csv", None, Access(str(folder / "spec.yaml")))) == repr(rows)


# saving

SAVED = """
dtype: float64
tensors:
  w: {data: [[1.0, 2.0], [3.0, 4.0]], requires_grad: true}
  mask: [true, false]
  file: 1.5
pipeline:
  - backward: (w ** 2).sum()
  - t: w.t()
  - parts: w.sort()
  - n: 3
  - ratio: 0.1
  - shape: w.shape
  - name: w.t().grad_fn
"""
EXPECTED = {
    "w": np.array([[1.0, 2.0], [3.0, 4.0]]),
    "w.grad": np.array([[2.0, 4.0], [6.0, 8.0]]),
    "mask": np.array([True, False]),
    "file": np.array(1.5),
    "t": np.array([[1.0, 3.0], [2.0, 4.0]]),
    "parts[0]": np.array([[1.0, 2.0], [3.0, 4.0]]),
    "parts[1]": np.array([[0, 1], [0, 1]]),
    "n": np.array(3),
    "ratio": np.array(0.1),
}


@pytest.fixture
def saved(report: Callable[..., Report], tmp_path: Path) -> Callable[[str], Path]:
    def save_as(name: str) -> Path:
        arrays, others = arrays_of(report(SAVED).bindings)
        assert others == ["shape", "name"]
        save.save(str(tmp_path / "specs" / name), arrays)
        return tmp_path / "specs" / name

    return save_as


def check_arrays(found: dict[str, Any]) -> None:
    assert list(found) == list(EXPECTED)
    for name, expected in EXPECTED.items():
        assert found[name].dtype == expected.dtype and found[name].shape == expected.shape, name
        assert np.array_equal(found[name], expected)


def test_a_saved_npz_is_one_of_numpys(saved: Callable[[str], Path]) -> None:
    with np.load(saved("out.npz"), allow_pickle=False) as archive:
        check_arrays(dict(archive))


def test_a_saved_safetensors_has_the_documented_layout(saved: Callable[[str], Path]) -> None:
    content = saved("out.safetensors").read_bytes()
    (length,) = struct.unpack("<Q", content[:8])
    assert length % 8 == 0
    head, data = json.loads(content[8 : 8 + length]), content[8 + length :]
    numpy_names = {name: dtype for dtype, name in SAFETENSORS.items()}
    found, end = {}, 0
    for name, described in head.items():
        begin, stop = described["data_offsets"]
        assert begin == end
        end = stop
        array = np.frombuffer(data[begin:end], numpy_names[described["dtype"]])
        found[name] = array.reshape(described["shape"])
    assert end == len(data)
    check_arrays(found)


def test_a_saved_json(saved: Callable[[str], Path]) -> None:
    found = json.loads(saved("out.json").read_text())
    assert found == {name: array.tolist() for name, array in EXPECTED.items()}


@pytest.mark.parametrize("ending", ["npz", "safetensors"])
def test_what_is_saved_can_be_loaded(ending: str, saved: Callable[[str], Path], report: Callable[..., Report]) -> None:
    saved(f"out.{ending}")
    text = (
        f'{SAVED}  - expect: {{w.grad: {{load: "out.{ending}:w.grad"}}, "parts[1]": {{load: "out.{ending}:parts[1]"}}}}'
    )
    assert report(text).ok


@settings(deadline=None)
@given(
    dtype=st.sampled_from(sorted(SAFETENSORS)),
    data=st.binary(min_size=96, max_size=96),
    ending=st.sampled_from(["npz", "safetensors"]),
    transposed=st.booleans(),
)
def test_all_bits_come_back(
    dtype: str, data: bytes, ending: str, transposed: bool, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.getbasetemp()
    array = np.frombuffer(data, "u1") > 127 if dtype == "bool" else np.frombuffer(data, dtype_named(dtype))
    ending = "safetensors" if dtype == "bfloat16" else ending
    array = array.reshape(2, -1).T if transposed else array
    save.save(str(folder / f"bits.{ending}"), {"x": array})
    loaded = load(f"bits.{ending}", "x", Access(str(folder / "spec.yaml")))
    assert loaded.dtype == array.dtype and loaded.shape == array.shape and loaded.tobytes() == array.tobytes()


def test_json_of_what_is_not_finite(tmp_path: Path) -> None:
    save.save(str(tmp_path / "a.json"), {"x": np.array([math.nan, -math.inf]), "z": np.array([1 + 2j])})
    assert json.loads((tmp_path / "a.json").read_text()) == {"x": ["nan", "-inf"], "z": [[1.0, 2.0]]}


def test_a_dtype_that_safetensors_do_not_have(tmp_path: Path) -> None:
    target = tmp_path / "a.safetensors"
    target.write_bytes(b"before")
    with pytest.raises(UserError, match="cannot hold `z`, which is complex128"):
        save.save(str(target), {"z": np.array([1 + 2j])})
    assert target.read_bytes() == b"before" and list(tmp_path.iterdir()) == [target]


def test_numpys_files_have_no_bfloat16(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"a \.npz file cannot hold `x`, which is bfloat16") as caught:
        save.save(str(tmp_path / "a.npz"), {"x": some("bfloat16")})
    assert caught.value.hint == "save to a .safetensors file, or what `.float()` gives"
    assert list(tmp_path.iterdir()) == []


def test_a_file_is_complete_on_the_disk_before_it_takes_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "a.npz"
    target.write_bytes(b"before")
    events: list[str] = []
    sync, move = os.fsync, Path.replace

    def fsync(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            events.append("folder")
        else:
            assert target.read_bytes() == b"before"
            events.append(f"file of {os.fstat(descriptor).st_size}")
        sync(descriptor)

    def replace(self: Path, other: Path) -> Path:
        assert self.parent == other.parent and target.read_bytes() == b"before"
        with np.load(self) as archive:
            assert archive["x"].tolist() == [1.0, 2.0]
        events.append("name")
        return move(self, other)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(Path, "replace", replace)
    save.save(str(target), {"x": np.array([1.0, 2.0])})
    assert events == [f"file of {target.stat().st_size}", "name", "folder"]


@pytest.mark.parametrize("failure", [OSError(28, "No space left on device"), KeyboardInterrupt(), MemoryError()])
def test_a_failed_save_changes_nothing(failure: BaseException, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "a.npz"
    target.write_bytes(b"before")

    def fail(descriptor: int) -> None:
        raise failure

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(UserError if isinstance(failure, OSError) else type(failure)) as caught:
        save.save(str(target), {"x": np.ones(3)})
    if isinstance(failure, OSError):
        assert str(caught.value) == f"cannot write `{target}`: No space left on device"
    assert target.read_bytes() == b"before" and list(tmp_path.iterdir()) == [target]


def test_permissions_and_links_stay(tmp_path: Path) -> None:
    target, link = tmp_path / "a.json", tmp_path / "link.json"
    target.write_text("before")
    target.chmod(0o640)
    link.symlink_to("a.json")
    save.save(str(link), {"x": np.ones(1)})
    assert link.is_symlink() and json.loads(target.read_text()) == {"x": [1.0]}
    assert stat.S_IMODE(target.stat().st_mode) == 0o640


@pytest.mark.parametrize(
    ("path", "name", "written"),
    [
        ("specs/a.yaml", "specs/a.yaml", "a"),
        ("specs/a.yaml", "specs/a.yaml#2", "a_2"),
        ("a.yaml", "a.yaml#2[n=1,dtype=float32]", "a_2_n=1,dtype=float32"),
        ("a.b.yml", "a.b.yml[text=../../x y\x1b]", "a.b_text=.._.._x_y"),
        ("-", "-", "stdin"),
        ("-", "-#2", "stdin_2"),
        ("日.yaml", "日.yaml", "spec"),
    ],
)
def test_names_of_files(path: str, name: str, written: str) -> None:
    assert save.destination("out/{name}.npz", path, name) == f"out/{written}.npz"

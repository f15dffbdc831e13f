"""A spec file as records: `load_specs` reads it and collects everything that is wrong with it.

Nothing here computes: `Spec` and its steps are what the runner, the checks and the exports work from.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from collections.abc import Mapping as Settings

from gradcli.errors import Span, UserError, UserErrors
from gradcli.record import replace
from gradcli.spec.expression import ExpressionError, parse_expression
from gradcli.spec.language import FLOATING, FUNCTION, HEADER, KEYS, SIGNATURE, TENSOR, Option
from gradcli.spec.pipeline import Pipeline
from gradcli.spec.reader import Reader, full_dtype, is_device, listed, shown
from gradcli.spec.scope import Operations, Scope, did_you_mean
from gradcli.spec.source import (
    DEFAULT_LIMITS,
    Limits,
    Mapping,
    Node,
    Scalar,
    Sequence,
    Source,
    parse_documents,
    read_source,
)
from gradcli.spec.steps import (
    Backward,
    Bind,
    Block,
    Claim,
    Expect,
    ExpectError,
    ExpectItem,
    Expression,
    FunctionEntry,
    Gradcheck,
    Hook,
    Line,
    Literal,
    Load,
    Plain,
    Print,
    PrintItem,
    Repeat,
    RequiresGrad,
    RetainGrad,
    Spec,
    Step,
    TensorEntry,
    Value,
    While,
    ZeroGrad,
)
from gradcli.spec.tree import Call, Operator, walk

__all__ = [
    "Backward",
    "Bind",
    "Block",
    "Claim",
    "Expect",
    "ExpectError",
    "ExpectItem",
    "Expression",
    "FunctionEntry",
    "Gradcheck",
    "Hook",
    "Line",
    "Literal",
    "Load",
    "Plain",
    "Print",
    "PrintItem",
    "Repeat",
    "RequiresGrad",
    "RetainGrad",
    "Spec",
    "Step",
    "TensorEntry",
    "Value",
    "While",
    "ZeroGrad",
    "expand",
    "load_specs",
    "read_documents",
    "read_spec",
]

_SIGNATURE = rf"(?a){SIGNATURE}"
_TENSOR_EXAMPLE = 'w: {data: "randn(5, 3)", requires_grad: true}'


def load_specs(
    path_or_source: str | Source, limits: Limits = DEFAULT_LIMITS, operations: Operations | None = None
) -> list[Spec]:
    """The specs of all documents of a file ("-" is standard input), their matrices not yet expanded.

    `operations` is the table that calls are checked against, the package's own if left out. Raises UserError
    for what cannot be read or is no YAML, and UserErrors for all that is wrong with the specs, in the order
    of the text.
    """
    source = path_or_source if isinstance(path_or_source, Source) else read_source(path_or_source, limits)
    specs: list[Spec] = []
    errors: list[UserError] = []
    for _, spec, found in read_documents(source, limits, operations):
        specs += [spec] if spec else []
        errors += found
    if errors:
        raise UserErrors(errors)
    return specs


def read_documents(
    source: Source, limits: Limits = DEFAULT_LIMITS, operations: Operations | None = None
) -> Iterator[tuple[Source, Spec | None, list[UserError]]]:
    """Every document of a text, under its name: its spec, or None and everything that is wrong with it.

    Raises UserError for what is no YAML.
    """
    if operations is None:
        from gradcli.ops import frontend

        operations = frontend
    for index, node in enumerate(parse_documents(source, limits)):
        document = source.document(index)
        try:
            yield document, read_spec(node, document, operations, limits), []
        except UserErrors as several:
            yield document, None, several.errors


def read_spec(node: Node, source: Source, operations: Operations, limits: Limits = DEFAULT_LIMITS) -> Spec:
    """The spec of one document, named by `source`. Raises UserErrors."""
    document = _Document(source, operations, limits)
    try:
        spec = document.read(node)
    except RecursionError:
        raise UserErrors([UserError("limit", "the spec is nested too deep", None, node.span)]) from None
    if document.errors:
        raise UserErrors(sorted(document.errors, key=_place))
    return spec


def expand(spec: Spec, settings: Settings[str, Plain] | None = None) -> list[Spec]:
    """One spec for each combination of the matrix, the last key changing fastest.

    `settings` (params, seed, dtype, device) replace what the spec says and take their keys out of the matrix.
    Raises UserError for a setting that the spec does not have.
    """
    settings = settings or {}
    known = [*spec.params, *spec.matrix, *HEADER]
    for name in settings:
        if name not in known:
            hint = did_you_mean(name, known) or f"it has {listed(known)}"
            raise UserError("spec", f"`{spec.source.name}` has no param `{shown(name)}`", hint)
    _check_header(settings)
    fixed = _with(spec, settings)
    varied = {name: values for name, values in spec.matrix.items() if name not in settings}
    specs = []
    for values in itertools.product(*varied.values()):
        chosen = dict(zip(varied, values, strict=True))
        one = _with(fixed, chosen)
        if chosen:
            suffix = ",".join(f"{name}={_shown_value(value)}" for name, value in chosen.items())
            name = f"{spec.source.name}[{suffix}]"
            one = replace(one, source=replace(spec.source, name=name, path=spec.source.file))
        specs.append(one)
    return specs


def _check_header(settings: Settings[str, Plain]) -> None:
    seed, dtype, device = (settings.get(name) for name in HEADER)
    if "seed" in settings and (not isinstance(seed, int) or isinstance(seed, bool)):
        raise UserError("spec", f"`seed` must be an integer, not `{seed}`")
    if "dtype" in settings and full_dtype(str(dtype)) not in FLOATING:
        raise UserError("spec", f"`dtype` must be a floating dtype, not `{dtype}`", f"one of {listed(FLOATING)}")
    if "device" in settings and not is_device(str(device)):
        raise UserError("spec", f"`device` must be `cpu`, `cuda` or `cuda:N`, not `{device}`")


def _with(spec: Spec, values: Settings[str, Plain]) -> Spec:
    params = {**spec.params, **{name: value for name, value in values.items() if name not in HEADER}}
    spec = replace(spec, params=params, matrix={})
    seed, dtype, device = (values.get(name) for name in HEADER)
    return replace(
        spec,
        seed=seed if isinstance(seed, int) else spec.seed,
        dtype=full_dtype(dtype) if isinstance(dtype, str) else spec.dtype,
        device=device if isinstance(device, str) else spec.device,
    )


def _shown_value(value: Plain) -> str:
    """A value as YAML writes it."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return value if isinstance(value, str) else str(value)


def _place(error: UserError) -> tuple[int, int]:
    return (error.span.line, error.span.column) if error.span else (0, 0)


def _called_by(function: FunctionEntry) -> set[str]:
    expressions = [function.forward, *(function.backward or {}).values()]
    return {node.function for expression in expressions for node in walk(expression.tree) if isinstance(node, Call)}


class _Document:
    """Reads one document."""

    def __init__(self, source: Source, operations: Operations, limits: Limits) -> None:
        self.errors: list[UserError] = []
        self._source = source
        self._scope = Scope(operations, self.errors)
        self._operations = operations
        self._limits = limits
        self._reader = Reader(self._scope, self.errors, limits)

    def read(self, node: Node) -> Spec:
        reader = self._reader
        if not isinstance(node, Mapping):
            hint = "a spec begins with keys such as `tensors:` and `pipeline:`"
            reader.note("a spec must be a mapping", node.span, hint)
            return Spec(self._source)
        self._check_keys(node)
        params = self._params(node.get("params"))
        matrix = self._matrix(node.get("matrix"), params)
        functions = self._functions(node.get("functions"))
        tensors = self._tensors(node.get("tensors"))
        pipeline = Pipeline(self._scope, self.errors, self._limits)
        steps = pipeline.steps(node.get("pipeline"), "pipeline")
        pipeline.finish()
        self._scope.finish()
        title, seed, dtype, device = (node.get(key) for key in ("title", *HEADER))
        return Spec(
            self._source,
            None if title is None else reader.text(title, "`title`", "title: My gradient"),
            0 if seed is None else reader.integer(seed, "`seed`", "seed: 0"),
            "float32" if dtype is None else reader.dtype(dtype, "`dtype`", floating=True),
            "cpu" if device is None else reader.device(device, "`device`"),
            params,
            tensors,
            steps,
            functions,
            matrix,
        )

    def _check_keys(self, node: Mapping) -> None:
        for key, _ in node.entries:
            if key.text not in KEYS:
                hint = did_you_mean(key.text, KEYS) or f"the keys are {listed([*KEYS])}"
                self._reader.note(f"unknown key `{shown(key.text)}`", key.span, hint)

    def _entries(self, node: Node | None, what: str, example: str) -> list[tuple[Scalar, Node]]:
        if node is None or self._reader.is_missing(node):
            return []
        if isinstance(node, Mapping):
            return node.entries
        self._reader.note(f"`{what}` must be a mapping", node.span, f"for example `{what}: {{{example}}}`")
        return []

    def _params(self, node: Node | None) -> dict[str, Plain]:
        params: dict[str, Plain] = {}
        for key, value in self._entries(node, "params", "n: 5"):
            name = self._reader.name(key, "a param")
            params[name] = self._param(value, name)
            self._scope.bind(name, key.span.line)
        return params

    def _param(self, node: Node, name: str) -> Plain:
        reader = self._reader
        if isinstance(node, Sequence):
            return [self._param(item, name) for item in node.items]
        if isinstance(node, Scalar) and not reader.is_missing(node):
            value = reader.plain(node)
            if isinstance(value, str) and node.plain and self._is_formula(value):
                hint = f"write the number, compute it in a step (`- {name}: {shown(value)}`), or quote the text"
                reader.note(f"the param `{name}` must be a value, not an expression", node.span, hint)
            return value
        self._reader.note(
            f"`{name}` must be a number, a truth value, text or a list of them",
            node.span,
            f"for example `{name}: 5`",
        )
        return None

    def _is_formula(self, text: str) -> bool:
        try:
            tree = parse_expression(text, limits=self._limits)
        except ExpressionError:
            return False
        return isinstance(tree, Operator | Call) and bool(re.search(r"[0-9(]", text))

    def _matrix(self, node: Node | None, params: dict[str, Plain]) -> dict[str, list[Plain]]:
        reader = self._reader
        matrix: dict[str, list[Plain]] = {}
        for key, value in self._entries(node, "matrix", "n: [1, 5]"):
            name = key.text
            if name not in HEADER:
                hint = None if name in params else did_you_mean(name, [*HEADER, *params])
                if hint:
                    reader.note(f"`matrix` varies `{shown(name)}`, which is no param", key.span, hint)
                reader.name(key, "a param")
                self._scope.bind(name, key.span.line)
            if isinstance(value, Sequence) and value.items:
                matrix[name] = [self._varied(name, item) for item in value.items]
            else:
                message = f"`{shown(name)}` must be a list of the values to run with"
                reader.note(message, value.span, f"for example `{shown(name)}: [1, 5]`")
        return matrix

    def _varied(self, name: str, node: Node) -> Plain:
        if name == "seed":
            return self._reader.integer(node, "each `seed`", "seed: [0, 1]")
        if name == "dtype":
            return self._reader.dtype(node, "each `dtype`", floating=True)
        if name == "device":
            return self._reader.device(node, "each `device`")
        return self._param(node, name)

    def _tensors(self, node: Node | None) -> list[TensorEntry]:
        tensors = []
        for key, value in self._entries(node, "tensors", "x: ones(3)"):
            name = self._reader.name(key, "the name of a tensor")
            tensors.append(self._tensor(name, key.span, value))
            self._scope.bind(name, key.span.line)
        return tensors

    def _tensor(self, name: str, span: Span, node: Node) -> TensorEntry:
        reader = self._reader
        if not isinstance(node, Mapping):
            return TensorEntry(name, span, self._data(node, name))
        given = reader.options(node, f"the tensor `{name}`", TENSOR, "")
        data: Expression | Literal | Load = Literal(None, span)
        if "data" in given and "load" in given:
            reader.note(f"the tensor `{name}` has both `data` and `load`", span, "keep one of them")
        elif "load" in given:
            data = reader.load(given["load"])
        elif "data" in given:
            data = self._data(given["data"], name)
        else:
            reader.note(f"the tensor `{name}` needs `data` or `load`", span, f"for example `{_TENSOR_EXAMPLE}`")
        flag, dtype, device = (given.get(option) for option in ("requires_grad", "dtype", "device"))
        return TensorEntry(
            name,
            span,
            data,
            None if flag is None else reader.boolean(flag, "`requires_grad`"),
            None if dtype is None else reader.dtype(dtype, "`dtype`"),
            None if device is None else reader.device(device, "`device`"),
        )

    def _data(self, node: Node, name: str) -> Value:
        value = self._reader.value(node, f"the tensor `{name}`", f"{name}: [1.0, 2.0]")
        if isinstance(value, Literal):
            if isinstance(node, Sequence):
                self._check_rows(node)
            elif value.value is None and not self._reader.is_missing(node) and isinstance(node, Scalar):
                self._reader.note(f"the tensor `{name}` cannot be null", node.span, f"for example `{name}: [1.0, 2.0]`")
        return value

    def _check_rows(self, root: Sequence) -> None:
        """Notes the first list that is no row of a tensor: rows are equally long and equally deep."""
        level: list[Node] = [root]
        dim = 0
        while level and isinstance(level[0], Sequence):
            size = len(level[0].items)
            for node in level:
                if not isinstance(node, Sequence):
                    self._ragged(f"expected sequence of length {size} at dim {dim} (got a number)", node)
                    return
                if len(node.items) != size:
                    self._ragged(f"expected sequence of length {size} at dim {dim} (got {len(node.items)})", node)
                    return
            level = [item for node in level if isinstance(node, Sequence) for item in node.items]
            dim += 1
        for node in level:
            if isinstance(node, Sequence):
                self._ragged(f"expected a number at dim {dim} (got a list)", node)
                return
            if isinstance(node, Scalar) and self._reader.plain(node) is None:
                self._reader.note("a tensor cannot hold null", node.span, "write `nan` for a missing number")
                return

    def _ragged(self, message: str, node: Node) -> None:
        self._reader.note(message, node.span, "all rows of a tensor have the same length", "value")

    def _functions(self, node: Node | None) -> list[FunctionEntry]:
        """The declared functions; all their names are known before any body is read."""
        declared: list[tuple[str, tuple[str, ...], Scalar, Node]] = []
        for key, value in self._entries(node, "functions", '"f(a, b)": sin(a) * b'):
            found = re.fullmatch(_SIGNATURE, key.text)
            if found is None:
                message = f"`{shown(key.text)}` must be a name with its parameters"
                self._reader.note(message, key.span, "for example `f(a, b): sin(a) * b`")
                continue
            name = found[1]
            parameters = tuple(found[2].replace(",", " ").split())
            self._check_signature(name, parameters, key, value)
            self._scope.functions[name] = parameters
            declared.append((name, parameters, key, value))
        functions = [self._function(*entry) for entry in declared]
        self._check_recursion(functions)
        return functions

    def _check_recursion(self, functions: list[FunctionEntry]) -> None:
        """Notes the functions that call themselves, directly or through others."""
        calls = {function.name: _called_by(function) for function in functions}
        for function in functions:
            reached: set[str] = set()
            pending = [function.name]
            while pending:
                new = (calls[pending.pop()] & calls.keys()) - reached
                reached |= new
                pending += new
            if function.name in reached:
                hint = "a loop is a step: `repeat` or `while`"
                self._reader.note(f"the function `{function.name}` calls itself", function.span, hint)

    def _check_signature(self, name: str, parameters: tuple[str, ...], key: Scalar, value: Node) -> None:
        taken = {"grad", "result"} if isinstance(value, Mapping) and "backward" in value else set()
        if name in self._scope.functions:
            self._reader.note(f"the function `{name}` is declared twice", key.span, "remove one, or rename it")
        for place, scalar in enumerate(self._words(key, (name, *parameters))):
            self._reader.name(scalar, "the name of a parameter" if place else "the name of a function")
            if place and scalar.text in taken:
                message = f"`{scalar.text}` has a meaning of its own in `backward` and cannot be a parameter"
                self._reader.note(message, scalar.span, "choose another name")
            if scalar.text in parameters[: place - 1] and place:
                self._reader.note(f"the parameter `{scalar.text}` comes twice", key.span)

    def _words(self, key: Scalar, names: tuple[str, ...]) -> list[Scalar]:
        """Each name of a signature as a scalar of its own, at the place of the whole."""
        return [Scalar(name, key.style, key.start, key.end, key.source) for name in names]

    def _function(self, name: str, parameters: tuple[str, ...], key: Scalar, node: Node) -> FunctionEntry:
        reader = self._inside(parameters)
        example = f"{key.text}: {{forward: ..., backward: {{...}}}}"
        if not isinstance(node, Mapping):
            forward = reader.expression(node, f"the function `{name}`", example)
            return FunctionEntry(name, parameters, forward, None, key.span)
        given = reader.options(node, f"the function `{name}`", FUNCTION, example)
        forward = reader.nothing(key)
        if "forward" in given:
            forward = reader.expression(given["forward"], "`forward`", 'forward: "sin(a) * b"')
        backward = None
        if "backward" in given:
            backward = self._backward(parameters, given["backward"])
        return FunctionEntry(name, parameters, forward, backward, key.span)

    def _backward(self, parameters: tuple[str, ...], node: Node) -> dict[str, Expression]:
        reader = self._inside((*parameters, "grad", "result"))
        example = f"backward: {{{', '.join(f'{name}: grad * ...' for name in parameters)}}}"
        if not isinstance(node, Mapping):
            message = "`backward` must be a mapping of parameters to gradients"
            reader.note(message, node.span, f"for example `{example}`")
            return {}
        formula = Option("formula", "The gradient of the parameter.", required=True)
        given = reader.options(node, "`backward`", dict.fromkeys(parameters, formula), example)
        formulas = {}
        for name, value in given.items():
            if not (isinstance(value, Scalar) and value.plain and value.text in ("null", "~")):
                formulas[name] = reader.expression(value, f"the gradient of `{name}`", f"{name}: grad * ...")
        return formulas

    def _inside(self, names: tuple[str, ...]) -> Reader:
        """A reader for the body of a function, which sees params and `names`."""
        scope = Scope(self._operations, self.errors)
        scope.functions = self._scope.functions
        scope.bound = {**self._scope.bound, **dict.fromkeys(names, 0)}
        scope.hint_for_unknown = "a function sees its parameters and `params:`"
        return Reader(scope, self.errors, self._limits)

"""Which names an expression may use, and what can be said of its calls and attributes without running it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Protocol

from gradcli.engine.dtypes import ALIASES, TYPE_NAMES
from gradcli.errors import Span, UserError
from gradcli.spec.steps import Expression
from gradcli.spec.tree import Attribute, Call, Keyword, Method, Name, Node, walk

CONSTANTS = frozenset({"pi", "e", "inf", "nan"})
_TORCH_MEMBERS = frozenset({*CONSTANTS, *TYPE_NAMES, *ALIASES})

_TENSOR_ATTRIBUTES = (
    "grad", "grad_fn", "T", "mT", "H", "mH", "shape", "ndim", "dtype", "device", "requires_grad", "is_leaf",
    "retains_grad", "real", "imag", "data", "_version", "_base", "next_functions", "name",
    "itemsize", "nbytes", "is_cpu", "is_cuda", "output_nr", "grad_dtype",
    "is_sparse", "is_sparse_csr", "is_nested", "is_quantized", "is_mkldnn", "is_meta", "is_ipu", "is_maia", "is_mps",
    "is_mtia", "is_vulkan", "is_xla", "is_xpu",
)  # fmt: skip
_RESULT_FIELDS = (
    "values", "indices", "U", "S", "Vh", "V", "Q", "R", "L", "LU", "P", "pivots", "info", "eigenvalues",
    "eigenvectors", "sign", "logabsdet", "solution", "residuals", "rank", "singular_values", "inverse",
    "mantissa", "exponent", "hist", "bin_edges", "output", "counts", "inverse_indices", "LD", "a", "tau", "min", "max",
    "result", "cloned_coefficient", "resolution", "eps", "smallest_normal", "tiny", "bits",
)  # fmt: skip
ATTRIBUTES = frozenset({*_TENSOR_ATTRIBUTES, *_RESULT_FIELDS})
ASSIGNABLE = ("grad", "requires_grad", "data")
_PLAIN_METHODS = frozenset({"item", "size", "numel", "tolist", "dim", "name"})
_OTHER_SPELLINGS = {"true": "True", "false": "False", "null": "None", "none": "None"}


class Operations(Protocol):
    """The operation table as the spec's reader sees it (`gradcli.ops.frontend`)."""

    def find(self, name: str, /) -> Any | None:
        """The function written `name` (`F.relu`, `torch.linalg.svd`, `sum`), None if there is none."""

    def find_method(self, name: str, /) -> Any | None:
        """The method `x.name`, None if there is none."""

    def suggest(self, name: str, methods: bool, /) -> list[str]:
        """Names that `name` may be a misspelling of, the likeliest first."""

    def check_arguments(self, found: Any, count: int, keywords: list[str], method: bool, /) -> str | None:
        """What is wrong with `count` positional and the named arguments, if no overload takes them."""


def did_you_mean(word: str, known: Iterable[str], likeness: float = 0.6) -> str | None:
    """The hint for a misspelt word, if one of `known` is like it."""
    import difflib

    known = list(known)
    close = difflib.get_close_matches(word, known, 1, likeness)
    close = close or difflib.get_close_matches(word.lower(), known, 1, likeness)
    return f"did you mean `{close[0]}`?" if close else None


class Scope:
    """The names bound so far, in the order of the spec; problems found are appended to `errors`."""

    def __init__(self, operations: Operations, errors: list[UserError]) -> None:
        self.bound: dict[str, int] = {}  # with the line of the latest binding
        self.functions: dict[str, tuple[str, ...]] = {}  # with their parameters
        self.read: set[str] = set()
        self.hint_for_unknown: str | None = None
        self.judges_arguments = True  # not where steps are expected to fail
        self._operations = operations
        self._errors = errors
        self._deleted: dict[str, int] = {}
        self._ever_bound: dict[str, int] = {}
        self._unknown: dict[str, UserError] = {}

    def bind(self, name: str, line: int) -> None:
        self.bound[name] = line
        self._ever_bound.setdefault(name, line)
        self._deleted.pop(name, None)

    def delete(self, name: str, line: int) -> None:
        if self.bound.pop(name, None) is not None:
            self._deleted[name] = line

    def with_all_names(self, name: str) -> Scope:
        """The scope of what runs later, when anything may be bound, and `name` is."""
        scope = Scope(self._operations, self._errors)
        scope.functions = self.functions
        scope.bound = {**self._ever_bound, name: 0}
        return scope

    def finish(self) -> None:
        """Tells of the unknown names that are bound somewhere further down."""
        for name, error in self._unknown.items():
            line = self._ever_bound.get(name)
            if line is not None and error.span is not None and line >= error.span.line:
                error.hint = f"`{name}` is bound in line {line}, after this use"

    def check(self, expression: Expression, root: Node, *, statement: bool = False) -> None:
        """Checks names, calls and attributes of the tree `root`, whose text is that of `expression`.

        `print` is a call only at the root of a statement.
        """
        for node in walk(root):
            if isinstance(node, Name):
                self._name(expression, node)
            elif isinstance(node, Call):
                if not (statement and node is root and node.function == "print"):
                    self._call(expression, node)
            elif isinstance(node, Method):
                self._method(expression, node)
            elif isinstance(node, Attribute):
                self._attribute(expression, node)

    def _report(self, message: str, span: Span, hint: str | None) -> UserError:
        error = UserError("name", message, hint, span)
        self._errors.append(error)
        return error

    def _name(self, expression: Expression, node: Name) -> None:
        name = node.id
        if "." in name:
            self._member(expression, node)
            return
        self.read.add(name)
        if name in self.bound or name in CONSTANTS or name in TYPE_NAMES or name in self._unknown:
            return
        span = expression.span(node)
        if name in self._deleted:
            message = f"`{name}` is deleted in line {self._deleted[name]}"
            self._unknown[name] = self._report(message, span, None)
            return
        if name in ALIASES:
            self._report(f"unknown name `{name}`", span, f"the dtype is `{ALIASES[name]}` or `torch.{name}`")
            return
        if name in self.functions or self._operations.find(name) is not None:
            self._report(f"`{name}` is an operation, not a value", span, f"call it: `{name}(...)`")
            return
        if name in _OTHER_SPELLINGS:
            hint: str | None = f"in an expression it is `{_OTHER_SPELLINGS[name]}`"
        else:
            hint = did_you_mean(name, [*self.bound, *TYPE_NAMES]) or self.hint_for_unknown
        self._unknown[name] = self._report(f"unknown name `{name}`", span, hint)

    def _member(self, expression: Expression, node: Name) -> None:
        module, _, name = node.id.rpartition(".")
        if module == "torch" and name in _TORCH_MEMBERS:
            return
        span = expression.span(node)
        if self._operations.find(node.id) is not None:
            self._report(f"`{node.id}` is an operation, not a value", span, f"call it: `{node.id}(...)`")
            return
        hint = did_you_mean(node.id, [f"torch.{member}" for member in _TORCH_MEMBERS])
        self._report(f"unknown name `{node.id}`", span, hint)

    def _call(self, expression: Expression, node: Call) -> None:
        name = node.function
        span = expression.scalar.span_of(node.start, node.start + len(name))
        if name in self.functions:
            self._function_arguments(node, span)
            return
        found = self._operations.find(name)
        if found is not None:
            self._arguments(found, node.args, node.keywords, span, method=False)
            return
        if name == "print":
            self._report("`print` is a step, not part of an expression", span, "write `- print: x`")
        elif name in self.bound:
            hint = "multiplication is written `*`, an element `x[0]`"
            self._report(f"`{name}` is bound to a value and cannot be called", span, hint)
        else:
            suggested = self._operations.suggest(name, False)
            hint_ = f"did you mean `{suggested[0]}`?" if suggested else did_you_mean(name, self.functions)
            self._report(f"unknown operation `{name}`", span, hint_)

    def _method(self, expression: Expression, node: Method) -> None:
        name = node.name
        span = expression.scalar.span_of(node.name_start, node.name_start + len(name))
        found = self._operations.find_method(name)
        if found is not None:
            self._arguments(found, node.args, node.keywords, span, method=True)
            return
        if name in _PLAIN_METHODS:
            return
        if name in ATTRIBUTES:
            self._report(f"`.{name}` is no method", span, f"write `.{name}` without `()`")
            return
        if name in self.functions or self._operations.find(name) is not None:
            self._report(f"a tensor has no method `{name}`", span, f"it is a function: `{name}(x)`")
            return
        suggested = self._operations.suggest(name, True)
        hint = f"did you mean `{suggested[0]}`?" if suggested else None
        self._report(f"a tensor has no method `{name}`", span, hint)

    def _attribute(self, expression: Expression, node: Attribute) -> None:
        name = node.name
        if name in ATTRIBUTES:
            return
        span = expression.scalar.span_of(node.name_start, node.end)
        if name in _PLAIN_METHODS or self._operations.find_method(name) is not None:
            self._report(f"`.{name}` is a method", span, f"call it: `.{name}()`")
            return
        self._report(f"unknown attribute `.{name}`", span, did_you_mean(name, ATTRIBUTES))

    def _arguments(
        self,
        found: object,
        args: tuple[object, ...],
        keywords: tuple[Keyword, ...],
        span: Span,
        *,
        method: bool,
    ) -> None:
        if not self.judges_arguments:
            return
        names = [keyword.name for keyword in keywords]
        message = self._operations.check_arguments(found, len(args), names, method)
        if message is not None:
            self._errors.append(UserError("type", message, None, span))

    def _function_arguments(self, node: Call, span: Span) -> None:
        parameters = self.functions[node.function]
        if node.keywords:
            given = [*parameters[: len(node.args)], *(keyword.name for keyword in node.keywords)]
        else:
            given = list(parameters[: len(node.args)])
        if len(node.args) <= len(parameters) and sorted(given) == sorted(parameters):
            return
        message = f"`{node.function}` takes {_listed(parameters)}"
        self._errors.append(UserError("type", message, f"declared as `{signature(node.function, parameters)}`", span))


def signature(name: str, parameters: Iterable[str]) -> str:
    return f"{name}({', '.join(parameters)})"


def _listed(parameters: tuple[str, ...]) -> str:
    count = len(parameters)
    return f"{count} argument{'' if count == 1 else 's'}"

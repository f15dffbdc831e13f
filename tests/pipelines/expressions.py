"""Random expressions that torch can evaluate on what a session has bound, and whose values stay tame."""

from __future__ import annotations

import random
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from .torch_oracle import Session, values

LIMIT = 50.0  # of the numbers in an expression: their gradients stay far from overflow
NUMBERS = ("2", "3", "0.5", "1", "-2", "-1.5", "0.1", "2.0", "4")
Where = Callable[[torch.Tensor], bool]


@dataclass(frozen=True)
class Term:
    """An expression that may stand as an operand, and what it is at present."""

    text: str
    value: Any


def safely(suits: Where, value: torch.Tensor) -> bool:
    """`suits(value)`; false for a stale view, whose place in the graph torch refuses to tell."""
    try:
        return suits(value) and value.is_leaf in (True, False)
    except RuntimeError:
        return False


class UnsuitedError(Exception):
    """What was found does not fit the operation: the caller tries something else."""


def is_float(value: torch.Tensor) -> bool:
    return bool(value.is_floating_point())


def is_differentiated(value: torch.Tensor) -> bool:
    return bool(value.is_floating_point() and value.requires_grad)


def of_rank(*ranks: int) -> Where:
    """Floats with one of so many dimensions, and no dimension empty."""
    return lambda value: is_float(value) and value.dim() in ranks and value.numel() > 0


def unwrapped(text: str) -> str:
    """`text` without brackets around the whole of it."""
    if not text.startswith("(") or not text.endswith(")"):
        return text
    depth = 0
    for place, letter in enumerate(text):
        depth += (letter in "([") - (letter in ")]")
        if depth == 0:
            return text[1:-1] if place == len(text) - 1 and not text.endswith(",)") else text
    return text


class Expressions:
    """Draws expressions with `rng` from the bindings of `session`, of at most `elements` elements each."""

    def __init__(self, rng: random.Random, session: Session, elements: int) -> None:
        self.rng = rng
        self.session = session
        self.elements = elements

    # What there is to draw from

    def names(self, suits: Where = is_float) -> list[tuple[str, torch.Tensor]]:
        """The bound tensors that suit, oldest first, those within tuples as `parts[0]`."""
        found: list[tuple[str, torch.Tensor]] = []
        for name, value in self.session.bindings.items():
            items = [(name, value)]
            if isinstance(value, tuple):
                items = [(f"{name}[{index}]", item) for index, item in enumerate(value)]
            found += [(text, item) for text, item in items if isinstance(item, torch.Tensor) and safely(suits, item)]
        return found

    def pick(self, suits: Where = is_float) -> Term:
        """A bound tensor: rather one that requires grad, rather a newer one."""
        found = self.names(suits)
        if not found:
            raise UnsuitedError
        weights = [
            (3 if item.requires_grad else 1) * (1 + 2 * place / len(found)) for place, (_, item) in enumerate(found)
        ]
        name, value = self.rng.choices(found, weights)[0]
        return Term(name, value)

    def number(self) -> str:
        return self.rng.choice(NUMBERS)

    def one(self, *texts: str) -> str:
        return self.rng.choice(texts)

    def dim(self, value: torch.Tensor) -> int:
        if value.dim() == 0:
            raise UnsuitedError
        return self.rng.randrange(-value.dim(), value.dim())

    def call(self, name: str, on: Term, *arguments: str) -> str:
        """A function call in one of its spellings."""
        given = [unwrapped(on.text), *arguments]
        prefix = self.rng.choices(["", "torch."], [5, 1])[0]
        if self.rng.random() < 0.5:
            return f"{prefix}{name}({', '.join(given)})"
        return f"{on.text}.{name}({', '.join(arguments)})"

    # Drawing

    def tame(self, value: Any) -> bool:
        """Whether `value` is a tensor to go on with: of a good size, finite and of moderate magnitude."""
        if not isinstance(value, torch.Tensor) or value.numel() > self.elements:
            return False
        if value.numel() == 0:
            return self.rng.random() < 0.03
        if not value.is_floating_point():
            return True
        if not bool(value.isfinite().all()):
            return self.rng.random() < 0.3
        return bool((value.abs() <= LIMIT).all())

    def evaluated(self, text: str) -> Term:
        """`text` with its value; UnsuitedError if torch refuses it."""
        try:
            with torch.no_grad(), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return Term(text, self.session.evaluate(text))
        except Exception as error:
            raise UnsuitedError from error

    def draw(self, depth: int, suits: Where = is_float) -> Term:
        """An expression of at most `depth` nested operations whose value suits; else UnsuitedError."""
        if depth == 0:
            return self.pick(suits)
        for _ in range(12):
            build = self.rng.choices(list(BUILDERS), list(BUILDERS.values()))[0]
            try:
                term = self.evaluated(build(self, depth - 1))
            except UnsuitedError:
                continue
            if self.tame(term.value) and suits(term.value):
                return term
        return self.pick(suits)

    def inner(self, depth: int, suits: Where = is_float) -> Term:
        """An operand: most often a name."""
        return self.draw(depth if self.rng.random() < 0.35 else 0, suits)

    # Operations, by kind: each gives the text of one

    def pointwise(self, depth: int) -> str:
        x = self.inner(depth)
        name = self.one(
            "exp",
            "sin",
            "cos",
            "tanh",
            "sigmoid",
            "relu",
            "abs",
            "neg",
            "square",
            "log",
            "sqrt",
            "reciprocal",
        )
        guarded = name in ("log", "sqrt", "reciprocal") and self.rng.random() < 0.8
        if guarded and not bool((x.value > 0.1).all()):
            x = Term(self.one(f"({x.text}.abs() + 0.5)", f"({x.text} ** 2 + 1)", f"({x.text}.exp() + 0.1)"), None)
        return self.call(name, x)

    def arithmetic(self, depth: int) -> str:
        x = self.inner(depth, lambda value: value.dtype is not torch.bool)
        sign = self.one("+", "+", "-", "-", "*", "*", "*", "/", "/")
        shape = self.rng.random()
        if shape < 0.3:
            return f"({x.text} {sign} {self.number()})"
        if shape < 0.4:
            return f"({self.number()} {sign} {self.divisor(x) if sign == '/' else x.text})"
        y = self.inner(depth, lambda value: value.dtype is not torch.bool)
        return f"({x.text} {sign} {self.divisor(y) if sign == '/' else y.text})"

    def divisor(self, x: Term) -> str:
        """`x`, or if it comes close to zero something made of it that does not."""
        return x.text if bool((x.value.abs() > 0.3).all()) else f"({x.text} ** 2 + 1)"

    def named_arithmetic(self, depth: int) -> str:
        x, y = self.inner(depth), self.inner(depth)
        name = self.one("add", "sub", "mul", "add", "sub", "maximum", "minimum", "maximum", "minimum")
        if name in ("add", "sub") and self.rng.random() < 0.4:
            return self.call(name, x, unwrapped(y.text), f"alpha={self.one('2', '0.5')}")
        return self.call(name, x, unwrapped(y.text))

    def minus(self, depth: int) -> str:
        return f"(-{self.inner(depth).text})"

    def power(self, depth: int) -> str:
        x = self.inner(depth)
        shape = self.rng.random()
        if shape < 0.5:
            return f"({x.text} ** {self.one('2', '2', '3', '1', '0', '2.0')})"
        if shape < 0.6:
            return self.call("pow", x, self.one("2", "3"))
        if shape < 0.75:
            return f"(({x.text}.abs() + 0.5) ** {self.one('0.5', '-1', '1.5', '-0.5')})"
        if shape < 0.85:
            return f"({self.one('2', '0.5')} ** {x.text})"
        return f"(({x.text}.abs() + 0.5) ** {self.pick().text})"

    def remainder(self, depth: int) -> str:
        x = self.inner(depth, lambda value: value.dtype is not torch.bool)
        sign = self.one("//", "%")
        if self.rng.random() < 0.7:
            return f"({x.text} {sign} {self.one('2', '0.7', '3')})"
        return f"({x.text} {sign} ({self.pick().text} ** 2 + 1))"

    def clamp(self, depth: int) -> str:
        x = self.inner(depth)
        if self.rng.random() < 0.2:
            y = self.pick(lambda value: value.dtype is x.value.dtype)
            return self.call("clamp", x, f"{self.one('min', 'max')}={y.text}")
        return self.call("clamp", x, self.one("min=0", "max=0.5", "-1, 1", "min=-0.5, max=0.5", "0, 1"))

    def where(self, depth: int) -> str:
        x = self.inner(depth)
        condition = f"{x.text} {self.one('>', '<', '>=')} {self.one('0', '0.5')}"
        y = self.one(self.number(), self.inner(depth).text, self.pick().text)
        chosen = self.one(
            f"where({condition}, {unwrapped(x.text)}, {unwrapped(y)})",
            f"where({condition}, {y}, {unwrapped(x.text)})",
        )
        return self.one(chosen, f"{x.text}.where({condition}, {unwrapped(y)})")

    def reduction(self, depth: int) -> str:
        x = self.inner(depth, lambda value: is_float(value) and value.numel() > 0)
        name = self.one("sum", "sum", "mean", "mean", "prod", "amax", "amin", "var", "std", "logsumexp", "norm")
        if name in ("var", "std") and x.value.numel() < 2:
            name = "sum"
        if name != "logsumexp" and self.rng.random() < 0.4:
            return self.call(name, x)
        dim = self.dim(x.value)
        if name in ("var", "std") and x.value.shape[dim] < 2:
            name = "mean"
        several = name in ("sum", "mean", "amax", "var", "logsumexp") and x.value.dim() > 1 and self.rng.random() < 0.2
        options = f"dim={(0, 1) if several else dim}"
        if self.rng.random() < 0.3:
            options += ", keepdim=True"
        if name in ("var", "std") and self.rng.random() < 0.4:
            options += ", unbiased=False"
        return self.call(name, x, options)

    def extremum(self, depth: int) -> str:
        """The largest or smallest, of all or along a dimension."""
        x = self.inner(depth, lambda value: is_float(value) and value.numel() > 0)
        name = self.one("max", "min")
        if self.rng.random() < 0.5:
            return self.call(name, x)
        distinct(x.value)
        options = [f"dim={self.dim(x.value)}"] + ["keepdim=True"] * (self.rng.random() < 0.3)
        return f"{self.call(name, x, *options)}{self.one('[0]', '.values')}"

    def cumulation(self, depth: int) -> str:
        x = self.inner(depth)
        return self.call("cumsum", x, self.one("dim={}", "{}").format(self.dim(x.value)))

    def product(self, depth: int) -> str:
        x = self.inner(depth, of_rank(1, 2, 3, 4))
        y = self.inner(depth, fitting(x.value))
        kinds = {(1, 1): "dot", (2, 1): "mv", (2, 2): "mm", (3, 3): "bmm"}
        name = kinds.get((x.value.dim(), y.value.dim()), "matmul")
        if name == "bmm" and x.value.shape[0] != y.value.shape[0]:
            name = "matmul"
        calls = [f"({x.text} @ {y.text})"] * 3 + [
            self.call("matmul", x, unwrapped(y.text)),
            self.call(name, x, unwrapped(y.text)),
        ]
        return self.one(*calls)

    def transposed_product(self, depth: int) -> str:
        """A product that exists whatever the shape: with itself."""
        x = self.inner(depth, of_rank(2, 3, 4))
        turnings = (".t()", ".T") if x.value.dim() == 2 else (".transpose(-1, -2)",)
        turned = f"{x.text}{self.one(*turnings)}"
        if x.value.dim() == 3 and self.rng.random() < 0.5:
            return self.call("bmm", x, turned)
        return self.one(f"({x.text} @ {turned})", f"({turned} @ {x.text})")

    def einsum(self, depth: int) -> str:
        x = self.inner(depth, of_rank(1, 2, 3))
        patterns = {
            1: ("i->", "i,i->", "i,j->ij", "i,i->i", "i,ij->j", "i,ji->j"),
            2: ("ij->ji", "ij->i", "ij,ij->", "ij,j->i", "ij,jk->ik", "ij,kj->ik", "ij,ij->ij", "ij->"),
            3: ("bij->bji", "bij,bjk->bik", "bij->b", "bij,j->bi", "bij,bij->b"),
        }
        pattern = self.one(*patterns[x.value.dim()])
        given = [unwrapped(x.text)]
        if "," in pattern:
            left, right = pattern.split("->")[0].split(",")
            sizes = dict(zip(left, x.value.shape, strict=True))

            def suits(value: torch.Tensor) -> bool:
                named = zip(right, value.shape, strict=False)
                return (
                    value.dtype is x.value.dtype
                    and value.dim() == len(right)
                    and all(sizes.get(letter, size) == size for letter, size in named)
                )

            given.append(unwrapped(self.inner(depth, suits).text))
        return f"einsum('{pattern}', {', '.join(given)})"

    def rearrangement(self, depth: int) -> str:
        x = self.inner(depth)
        rank = x.value.dim()
        choices = [
            "flatten()",
            "clone()",
            "contiguous()",
            f"unsqueeze({self.rng.randint(-rank - 1, rank)})",
            "squeeze()",
        ]
        shape = self.shape_of(x.value.numel())
        choices += [f"reshape{shape}", f"view{shape}", "reshape(-1)", "view(-1)"]
        if rank <= 2:
            choices.append("t()")
        if rank == 2:
            choices += ["T", "t()", "transpose(0, 1)", "tril()", "triu()", "tril(-1)", "triu(1)"]
        if rank:
            choices.append(f"squeeze({self.dim(x.value)})")
            choices.append(f"flip({self.dim(x.value)})")
            choices.append(self.expansion(x.value))
        if rank > 1:
            choices.append(f"transpose({self.dim(x.value)}, {self.dim(x.value)})")
            order = self.rng.sample(range(rank), rank)
            choices.append(f"permute({', '.join(map(str, order))})")
        return f"{x.text}.{self.rng.choice(choices)}"

    def shape_of(self, count: int) -> str:
        """Brackets with a random shape of `count` elements."""
        sizes: list[int] = []
        rest = max(count, 1)
        while rest > 1 and len(sizes) < 3:
            size = self.rng.choice([size for size in range(1, rest + 1) if rest % size == 0])
            sizes.append(size)
            rest //= size
        sizes.append(rest)
        texts = [str(size) for size in sizes]
        if self.rng.random() < 0.3:
            texts[self.rng.randrange(len(texts))] = "-1"
        return f"({', '.join(texts)})"

    def expansion(self, value: torch.Tensor) -> str:
        sizes = [str(self.rng.choice([2, 3])) if size == 1 else self.one(str(size), "-1") for size in value.shape]
        leading = ["2"] if self.rng.random() < 0.4 else []
        return f"expand({', '.join(leading + sizes)})"

    def cast(self, depth: int) -> str:
        x = self.inner(depth)
        if x.value.dtype is torch.float64 and self.rng.random() < 0.4:
            return f"{x.text}.{self.one('float()', 'to(float32)')}"
        return f"{x.text}.{self.one('double()', 'to(float64)', 'to(torch.float64)')}"

    def joining(self, depth: int) -> str:
        parts = [self.inner(depth) for _ in range(self.rng.choice([2, 2, 2, 3, 1]))]
        if self.rng.random() < 0.5:
            shape = parts[0].value.shape
            parts = parts[:1] + [self.pick(lambda value: is_float(value) and value.shape == shape) for _ in parts[1:]]
        listed = ", ".join(unwrapped(part.text) for part in parts)
        name = self.one("cat", "stack")
        dim = self.one("", ", dim=0", ", dim=-1", ", 1")
        return f"{name}([{listed}]{dim})"

    def splitting(self, depth: int) -> str:
        """One part of a tensor that is split."""
        x = self.inner(depth, of_rank(1, 2, 3))
        return f"{x.text}.{self.split_call(x.value)}[{self.one('0', '-1', '0')}]"

    def split_call(self, value: torch.Tensor) -> str:
        dim = self.dim(value)
        length = value.shape[dim]
        sizes = [f"split(1, dim={dim})", f"chunk({min(length, 2)}, dim={dim})", f"unbind({dim})"]
        if length > 1:
            sizes += [
                f"split([1, {length - 1}], {dim})",
                f"split({length - 1}, dim={dim})",
                f"chunk(2, {dim})",
            ]
        return self.rng.choice(sizes)

    def indexing(self, depth: int) -> str:
        x = self.inner(depth)
        return f"{x.text}[{self.index(x)}]"

    def index(self, x: Term) -> str:
        """What may stand in the brackets of a subscript of `x`."""
        if x.value.dim() == 0:
            return self.one("None", "...")
        if self.rng.random() < 0.15:
            return f"{x.text} {self.one('>', '<')} {self.one('0', '0.5')}"
        items = [self.item(size) for size in x.value.shape[: self.rng.randint(1, x.value.dim())]]
        if self.rng.random() < 0.15:
            items.insert(self.rng.randint(0, len(items)), "None")
        if self.rng.random() < 0.15:
            items.insert(self.rng.choice([0, len(items)]), "...")
        return ", ".join(items)

    def item(self, size: int) -> str:
        """An index along a dimension of `size`."""
        if size == 0:
            return ":"
        last = size - 1
        shape = self.rng.random()
        if shape < 0.4:
            return str(self.rng.choice([0, last, -1, self.rng.randrange(size)]))
        if shape < 0.75:
            return self.one(":", f"{min(1, last)}:", "::2", ":1", f":{size}", "-1:", f"{last}:")
        places = [self.rng.randrange(size) for _ in range(self.rng.randint(1, 3))]
        if shape < 0.9:
            return str(places)
        indices = self.names(
            lambda value: (
                value.dtype is torch.int64
                and value.dim() == 1
                and value.numel() > 0
                and 0 <= int(value.min()) <= int(value.max()) < size
            )
        )
        return self.rng.choice(indices)[0] if indices else f"tensor({places})"

    def lookup(self, depth: int) -> str:
        """gather, scatter_add, index_select."""
        x = self.inner(depth, of_rank(1, 2))
        dim = self.dim(x.value)
        size = x.value.shape[dim]
        name = self.one("gather", "scatter_add", "index_select")
        if name == "index_select":
            places = [self.rng.randrange(size) for _ in range(self.rng.randint(1, 3))]
            return self.call(name, x, str(dim), f"tensor({places})")
        shape = list(x.value.shape)
        if name == "gather":
            shape[dim] = self.rng.randint(1, 3)
        indices = random_indices(self.rng, shape, size)
        if name == "gather":
            return self.call(name, x, str(dim), f"tensor({indices})")
        if self.rng.random() < 0.5:
            sizes = ", ".join(map(str, x.value.shape))
            base = f"zeros({sizes}, dtype={str(x.value.dtype).removeprefix('torch.')})"
            return f"{base}.scatter_add({dim}, tensor({indices}), {unwrapped(x.text)})"
        y = self.pick(lambda value: value.dtype is x.value.dtype and value.shape == x.value.shape)
        return self.call(name, x, str(dim), f"tensor({indices})", y.text)

    def normalising(self, depth: int) -> str:
        x = self.inner(depth, of_rank(1, 2, 3))
        if self.rng.random() < 0.65:
            return self.call(self.one("softmax", "log_softmax"), x, self.one("dim={}", "{}").format(self.dim(x.value)))
        width = x.value.shape[-1]
        if width < 3:  # two numbers are normalised to plus and minus one: nothing but rounding is left
            raise UnsuitedError
        texts = [unwrapped(x.text), f"({width},)" if self.rng.random() < 0.7 else f"[{width}]"]
        if self.rng.random() < 0.5:

            def suits(value: Any) -> bool:
                return value.dtype is x.value.dtype and value.shape == (width,)

            texts.append(self.pick(suits).text)
            texts.append(self.pick(suits).text if self.rng.random() < 0.6 else "None")
        return f"{self.one('', 'F.')}layer_norm({', '.join(texts)})"

    def loss(self, depth: int) -> str:
        x = self.inner(depth, of_rank(1, 2, 3))
        reduction = self.one("", "", ", reduction='sum'", ", reduction='none'")
        prefix = self.one("", "", "F.")
        text = unwrapped(x.text)
        if x.value.dim() == 2 and self.rng.random() < 0.6:
            classes = [self.rng.randrange(x.value.shape[1]) for _ in range(x.value.shape[0])]
            if self.rng.random() < 0.6:
                return f"{prefix}cross_entropy({text}, tensor({classes}){reduction})"
            return f"{prefix}nll_loss({x.text}.log_softmax(1), tensor({classes}){reduction})"
        y = self.pick(lambda value: value.dtype is x.value.dtype and value.shape == x.value.shape)
        if self.rng.random() < 0.5:
            return f"{prefix}mse_loss({text}, {y.text}{reduction})"
        target = self.one(f"sigmoid({y.text})", f"zeros_like({text})", f"({y.text} > 0).to({text}.dtype)")
        return f"{prefix}binary_cross_entropy_with_logits({text}, {target}{reduction})"

    def affine(self, depth: int) -> str:
        x = self.inner(depth, of_rank(1, 2, 3))
        w = self.inner(depth, lambda value: of_rank(2)(value) and value.shape[1] == x.value.shape[-1])
        texts = [unwrapped(x.text), unwrapped(w.text)]
        biases = self.names(lambda value: value.shape == w.value.shape[:1] and value.dtype is x.value.dtype)
        if biases and self.rng.random() < 0.7:
            texts.append(self.rng.choice(biases)[0])
        return f"{self.one('', 'F.')}linear({', '.join(texts)})"

    def ordering(self, depth: int) -> str:
        x = self.inner(depth, of_rank(1, 2))
        distinct(x.value)
        dim = self.dim(x.value)
        if x.value.shape[dim] > 1 and self.rng.random() < 0.5:
            return f"{self.call('topk', x, '2', f'dim={dim}')}{self.one('[0]', '.values')}"
        options = [f"dim={dim}"] + ["descending=True"] * (self.rng.random() < 0.4)
        return f"{self.call('sort', x, *options)}{self.one('[0]', '.values')}"

    def cut_off(self, depth: int) -> str:
        return f"{self.inner(depth).text}.{self.one('detach()', 'data', 'detach()')}"

    def creation(self, depth: int) -> str:
        x = self.pick()
        made = self.one(f"ones_like({x.text})", f"zeros_like({x.text})", f"full_like({x.text}, 0.5)")
        return f"({self.inner(depth).text} * {made})"


def distinct(value: torch.Tensor) -> None:
    """UnsuitedError if two elements are equal: which of them comes first is not laid down."""
    if len(set(values(value.flatten()))) < value.numel():
        raise UnsuitedError


def random_indices(rng: random.Random, shape: list[int], size: int) -> Any:
    """A nested list of indices below `size`."""
    if not shape:
        return rng.randrange(size)
    return [random_indices(rng, shape[1:], size) for _ in range(shape[0])]


def fitting(left: torch.Tensor) -> Where:
    """Whether a tensor may stand to the right of `left @`."""

    def suits(value: torch.Tensor) -> bool:
        return value.dtype is left.dtype and value.dim() > 0 and value.shape[max(value.dim() - 2, 0)] == left.shape[-1]

    return suits


BUILDERS: dict[Callable[[Expressions, int], str], float] = {
    Expressions.pointwise: 10,
    Expressions.arithmetic: 12,
    Expressions.named_arithmetic: 3,
    Expressions.minus: 1,
    Expressions.power: 4,
    Expressions.remainder: 1,
    Expressions.clamp: 2,
    Expressions.where: 2,
    Expressions.reduction: 5,
    Expressions.extremum: 2,
    Expressions.cumulation: 1,
    Expressions.product: 5,
    Expressions.transposed_product: 1.5,
    Expressions.einsum: 2,
    Expressions.rearrangement: 6,
    Expressions.cast: 0.7,
    Expressions.joining: 3,
    Expressions.splitting: 2,
    Expressions.indexing: 5,
    Expressions.lookup: 3,
    Expressions.normalising: 3,
    Expressions.loss: 2.5,
    Expressions.affine: 2,
    Expressions.ordering: 1.5,
    Expressions.cut_off: 1,
    Expressions.creation: 0.5,
}

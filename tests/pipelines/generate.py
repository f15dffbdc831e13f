"""Random pipelines: each step is tried in torch as soon as it is drawn, and stays if it works."""

from __future__ import annotations

import random
import re
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import torch

from .compare import differences, is_autograd
from .expressions import Expressions, UnsuitedError, distinct, is_differentiated, is_float, unwrapped
from .mistakes import draw_mistake, in_place, is_computed, is_constant, is_leaf
from .pipeline import Pipeline, Step
from .torch_oracle import SHARED, Jitter, Session, StepError, answer, holds_grad, opening, or_error

CHANGED = re.compile(r"(\w+)(?:\[.*\])?(?:\.\w+_\(| [-+*/]?= )")  # the name a statement changes in place
LARGEST = 1e4  # of any number bound, gradients included
FAILING = 0.27  # the share of pipelines that end with a drawn mistake; some more fail by themselves


def pipelines(seed: int, count: int, elements: int = 24) -> Iterator[Pipeline]:
    """`count` pipelines, the same ones for the same `seed`, of tensors of at most `elements` elements."""
    rng = random.Random(seed)
    while count:
        pipeline = Generator(random.Random(rng.getrandbits(48)), elements).make()
        if is_well_conditioned(pipeline):
            count -= 1
            yield pipeline


def is_well_conditioned(pipeline: Pipeline) -> bool:
    """Whether rounding errors in the beginning leave the answer what it is."""
    plain = answer(pipeline)
    if any(isinstance(probe, str) and probe.startswith(("ZeroTensor", SHARED)) for probe in plain["probes"]):
        return False  # torch has a gradient without memory, and cannot add to it
    # normalising equal numbers leaves nothing but rounding; elsewhere the ties of literals are worth keeping
    jitter: Jitter = "all" if "layer_norm" in str(pipeline) else "random"
    return not differences(plain, answer(pipeline, jitter), share=0.1)


def is_folded(value: Any) -> bool:
    """Whether a tensor shows some memory at several places: a change of it depends on the order of writing."""
    return isinstance(value, torch.Tensor) and any(
        stride == 0 and length > 1 for stride, length in zip(value.stride(), value.shape, strict=True)
    )


def graph_place(value: torch.Tensor) -> tuple[bool, Any]:
    return value.requires_grad, or_error(lambda: value.is_leaf)


def is_gradient(value: torch.Tensor) -> bool:
    """Whether a tensor is a gradient that torch has as a view of something else, which no binding names."""
    return bool(value.is_leaf and value._is_view())


class Generator:
    """One pipeline in the making."""

    def __init__(self, rng: random.Random, elements: int) -> None:
        self.rng = rng
        self.elements = elements
        self.seed = rng.randrange(1000)
        self.steps: list[Step] = []
        self.count = 0
        self.gradients: set[str] = set()  # names given to gradients that can be differentiated
        while True:
            self.tensors = self.draw_tensors()
            try:
                self.session = Session(self.seed, self.tensors)
            except RuntimeError:
                continue
            break

    @property
    def of(self) -> Expressions:
        return Expressions(self.rng, self.session, self.elements)

    def make(self) -> Pipeline:
        """Draw steps, to end with a mistake, with an error that came by itself, or without any."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            fails = self.rng.random() < FAILING
            ended = self.draw_steps(self.rng.randint(3, 12))
            if not ended and fails:
                ended = self.draw_failure()
            if not ended and not any(word in str(step) for step in self.steps for word in ("backward", "= grad(")):
                ended = self.draw_steps(1, {Generator.backward: 1})
            probes = self.probes()
        if ended and self.rng.random() < 0.2:
            self.steps.append(f"late = {self.of.pick().text} * 2")
        return {"seed": self.seed, "tensors": self.tensors, "pipeline": self.steps, "probes": probes}

    # Tensors

    def draw_tensors(self) -> dict[str, str]:
        """Two to five tensors, of few sizes so that they go together, at least one of them a parameter."""
        rng = self.rng
        sizes = rng.sample([1, 2, 2, 3, 3, 4], 2)
        dtype = rng.choices(["float32", "float64", "mixed"], [5, 3, 2])[0]
        shapes = [
            [],
            [sizes[0]],
            [sizes[1]],
            sizes,
            sizes,
            sizes[::-1],
            [sizes[0]] * 2,
            [2, *sizes],
            [1, sizes[1]],
        ]
        if self.elements > 12:
            shapes.append([1, 2, *sizes])
        names = rng.sample(["x", "w", "b", "u", "v", "c"], rng.randint(2, 4))
        tensors: dict[str, str] = {}
        for place, name in enumerate(names):
            flags = []
            chosen = rng.choice(["float32", "float64"]) if dtype == "mixed" else dtype
            if chosen == "float64":
                flags.append("dtype=float64")
            if place == 0 or rng.random() < 0.5:
                flags.append("requires_grad=True")
            shape = rng.choice([shape for shape in shapes if torch.Size(shape).numel() <= self.elements])
            tensors[name] = self.creation(shape, flags)
        if rng.random() < 0.5:
            tensors["i"] = rng.choice(
                ["tensor([0, 1])", "arange(3)", "tensor([1, 0, 1])", "tensor(2)", "tensor([[1, 2]])"]
            )
        if rng.random() < 0.1:
            tensors["m"] = f"rand({', '.join(map(str, sizes))}) > 0.5"
        return tensors

    def creation(self, shape: list[int], flags: list[str]) -> str:
        """A call that makes a float tensor of `shape`."""
        rng = self.rng
        given = ", ".join([*map(str, shape), *flags])
        bracketed = f"({', '.join(map(str, shape))}{',' if len(shape) == 1 else ''})"
        kind = rng.choices(["randn", "rand", "ones", "full", "zeros", "literal", "arange"], [8, 4, 1, 1, 0.3, 2, 0.7])[
            0
        ]
        if kind in ("randn", "rand") or (kind in ("ones", "zeros") and shape):
            return f"{kind}({given})" if shape else f"{kind}({', '.join(['()', *flags])})"
        if kind == "arange" and shape:
            return f"arange({shape[0]}., {', '.join(flags)})".replace(", )", ")")
        if kind == "full":
            return f"full({', '.join([bracketed, rng.choice(['0.5', '2.0', '-1.0']), *flags])})"
        return f"tensor({', '.join([str(self.literal(shape)), *flags])})"

    def literal(self, shape: list[int]) -> Any:
        if not shape:
            return self.rng.choice([1.0, -2.0, 0.5, 2.0, 0.0, 3.0, -0.5, 1.5])
        return [self.literal(shape[1:]) for _ in range(shape[0])]

    # Steps

    def fresh(self) -> str:
        """A name for a new binding."""
        self.count += 1
        return f"y{self.count - 1}"

    def attempt(self, step: Step) -> str | None:
        """Take `step`: None if it works and leaves tame numbers, else the opening words of its error.

        A step that fails is part of the pipeline until `undo`.
        """
        self.steps.append(step)
        before = {name: self.value_of_gradient(name) for name in self.gradients}
        versions = self.versions_of_gradients()
        places = self.places_in_graph() if "requires_grad" in str(step) else {}
        try:
            self.session.run(step)
        except StepError as failure:
            if isinstance(failure.error, NameError | SyntaxError | AttributeError | KeyError):
                return ""
            match = CHANGED.match(step) if isinstance(step, str) else None
            if match and match[1] in self.gradients:
                return ""
            if "created in no_grad mode" in str(failure) and not any("no_grad" in word for word in self.steps):
                return ""  # the view is a gradient, again
            return opening(failure.error) or "without words"
        changed = CHANGED.match(step) if isinstance(step, str) else None
        if changed and changed[1] in self.session.bindings and is_folded(self.session.bindings[changed[1]]):
            return ""
        now = self.versions_of_gradients()
        if sum(version != now.get(name) for name, version in versions.items()) > 1:
            return ""  # they share their memory, although the numbers have stayed the same
        if any(
            value is not None and not torch.equal(value, self.value_of_gradient(name))
            for name, value in before.items()
            if name in self.session.bindings
        ):
            return ""
        if sum(place != places[name] for name, place in self.places_in_graph().items() if name in places) > 1:
            return ""  # a flag of one tensor is one of another, too: they are the gradients of one walk
        return None if self.is_tame() and not self.binds_folded_gradient(step) else ""

    def places_in_graph(self) -> dict[str, Any]:
        """Of each tensor what a change of `requires_grad` changes."""
        bindings = self.session.bindings.items()
        return {name: graph_place(value) for name, value in bindings if isinstance(value, torch.Tensor)}

    def versions_of_gradients(self) -> dict[str, int]:
        """How often each gradient that has a name was changed in place."""
        named = {name: self.session.bindings.get(name) for name in self.gradients}
        return {name: value._version for name, value in named.items() if isinstance(value, torch.Tensor)}

    def binds_folded_gradient(self, step: Step) -> bool:
        """Whether `step` names a gradient that torch has not spread out in memory, as that of a sum."""
        names, _, call = str(step).partition(" = ")
        return call.startswith("grad(") and any(is_folded(self.session.bindings.get(n)) for n in names.split(", "))

    def value_of_gradient(self, name: str) -> Any:
        """A copy of a gradient's numbers. It may share memory with other gradients, or have several elements in one
        place, as torch happens to compute it: what a change of it does is nothing to agree about.
        """
        value = self.session.bindings.get(name)
        return torch.nan_to_num(value.detach().clone()) if isinstance(value, torch.Tensor) else None

    def undo(self, count: int = 1) -> None:
        """Forget the last steps, and what they changed."""
        del self.steps[len(self.steps) - count :]
        self.session = Session(self.seed, self.tensors)
        self.session.run_all(self.steps)

    def is_tame(self) -> bool:
        """Whether no number has grown large; mostly false if one is not finite."""
        with torch.no_grad():
            tensors = [tensor for tensor in self.held() if tensor.is_floating_point()]
            if any(bool((tensor[tensor.isfinite()].abs() > LARGEST).any()) for tensor in tensors):
                return False
            return all(bool(tensor.isfinite().all()) for tensor in tensors) or self.rng.random() < 0.3

    def held(self) -> Iterator[torch.Tensor]:
        """The tensors bound, those in tuples, and their gradients."""
        for value in self.session.bindings.values():
            for item in value if isinstance(value, tuple) else (value,):
                if isinstance(item, torch.Tensor):
                    yield item
                    if holds_grad(item) and item.grad is not None:
                        yield item.grad

    def draw_steps(self, count: int, kinds: dict[Callable[[Generator], Step], float] | None = None) -> bool:
        """Add `count` steps; true if the last one fails, so that the pipeline ends."""
        chosen = kinds or KINDS
        wanted = len(self.steps) + count
        for _ in range(8 * count):
            if len(self.steps) >= wanted:
                break
            kind = self.rng.choices(list(chosen), list(chosen.values()))[0]
            count_before = self.count
            try:
                step = kind(self)
            except UnsuitedError:
                self.count = count_before
                continue
            error = self.attempt(step)
            if error is None:
                continue
            late = len(self.steps) >= wanted - 2
            if error and self.rng.random() < (0.25 if is_autograd(error) else 0.02) * (2 if late else 0.3):
                return True
            self.undo()
            self.count = count_before
        return False

    def draw_failure(self) -> bool:
        """Add a mistake; false if none could be made."""
        for _ in range(30):
            before = len(self.steps)
            try:
                steps = draw_mistake(self.of, self.fresh)
            except UnsuitedError:
                continue
            error = None
            for step in steps:
                error = self.attempt(step)
                if error is not None:
                    break
            if error and len(self.steps) == before + len(steps):
                return True
            self.undo(len(self.steps) - before)
        return False

    def probes(self) -> list[str]:
        """A backward from each computed tensor that leaves the graph, then two that use it up."""
        names = [name for name, _ in self.of.names(is_computed)]
        kept = [f"{name}.sum().backward(retain_graph=True)" for name in names]
        return kept + [f"{name}.sum().backward()" for name in names for _ in range(2)]

    # Kinds of steps: each draws one

    def target(self) -> str:
        """The name of a binding: most often a new one."""
        computed = [name for name in self.session.bindings if name.startswith("y")]
        return self.rng.choice(computed) if computed and self.rng.random() < 0.1 else self.fresh()

    def assignment(self) -> Step:
        expression = unwrapped(self.of.draw(self.rng.choice([1, 1, 2, 2, 3])).text)
        name = self.target()
        return {name: expression} if self.rng.random() < 0.2 else f"{name} = {expression}"

    def mask(self) -> Step:
        sign = self.rng.choice([">", "<", ">=", "<=", "==", "!="])
        return f"{self.fresh()} = {self.of.pick().text} {sign} 0.5"

    def tuple_assignment(self) -> Step:
        of = self.of
        x = of.pick(lambda value: is_float(value) and value.dim() > 0 and value.numel() > 0)
        dim = of.dim(x.value)
        size = x.value.shape[dim]
        if self.rng.random() < 0.5:
            call = of.split_call(x.value)
            count = len(of.evaluated(f"{x.text}.{call}").value)
            if self.rng.random() < 0.5:
                return f"{self.fresh()} = {x.text}.{call}"
            names = ", ".join(self.fresh() for _ in range(count))
            return f"{names}{',' if count == 1 else ''} = {x.text}.{call}"
        distinct(x.value)
        calls = [f"max(dim={dim})", f"min({dim})", f"sort(dim={dim})", f"topk({min(size, 2)}, dim={dim})"]
        name = self.rng.choice([f"{self.fresh()}, {self.fresh()}", self.fresh()])
        return f"{name} = {x.text}.{self.rng.choice(calls)}"

    def view(self) -> Step:
        of = self.of
        x = of.pick(lambda value: is_float(value) and value.dim() > 0)
        rank = x.value.dim()
        views = [
            f"[{of.item(x.value.shape[0])}]",
            "[0]",
            "[:1]",
            ".view(-1)",
            ".detach()",
            ".unsqueeze(0)",
            ".reshape(-1)",
        ]
        views += [
            ".squeeze()",
            f".expand(2, {', '.join(['-1'] * rank)})",
            f".permute({', '.join(map(str, range(rank)[::-1]))})",
        ]
        if rank <= 2:
            views.append(".t()")
        if rank == 2:
            views += [".T", "[:, 0]", "[:, :1]", "[..., -1]"]
        return f"{self.fresh()} = {x.text}{self.rng.choice(views)}"

    def changeable(self) -> Any:
        """A tensor that may be written to, as far as can be told without trying."""
        return self.of.pick(lambda value: is_float(value) and not is_leaf(value))

    def operand_apart(self, y: Any) -> str:
        """An operand for a change of `y` that shares no memory with it, unless it is `y`."""
        of = self.of
        memory = y.value.untyped_storage().data_ptr()
        other = of.pick(lambda value: value is y.value or value.untyped_storage().data_ptr() != memory)
        drawn = of.draw(1)
        return self.rng.choice([of.number(), other.text, other.text, f"({unwrapped(drawn.text)}) * 1"])

    def in_place(self) -> Step:
        of = self.of
        y = self.changeable()
        operand = self.operand_apart(y)
        statements = [f"{y.text} {sign}= {operand}" for sign in ("+", "-", "*", "+", "*")] + [
            f"{y.text} /= {of.number()}"
        ]
        statements += [f"{y.text}.{name}_({operand})" for name in ("add", "sub", "mul", "copy")]
        statements += [f"{y.text}.{name}_()" for name in ("zero", "relu", "exp", "sigmoid", "tanh", "neg")]
        statements += [
            f"{y.text}.div_(2)",
            f"{y.text}.fill_(0.5)",
            f"{y.text}.clamp_(min=0)",
            f"{y.text}.clamp_(-1, 1)",
        ]
        return self.rng.choice(statements)

    def subscript(self) -> Step:
        of = self.of
        y = self.changeable()
        index = of.index(y)
        operand = self.operand_apart(y)
        if operand == y.text and not y.value.is_contiguous():
            operand += " * 1"  # torch does not look for overlaps there, and what comes out depends on the order
        sign = self.rng.choice(["=", "=", "=", "+=", "*=", "-="])
        return f"{y.text}[{index}] {sign} {operand}"

    def root(self) -> tuple[str, bool]:
        """What to go backward from, and whether it is a scalar."""
        gradients = [name for name, _ in self.of.names(is_computed) if name in self.gradients]
        if gradients and self.rng.random() < 0.5:
            g = self.rng.choice(gradients)
            return self.rng.choice([f"{g}.sum()", f"({g} ** 2).sum()", f"{g}.mean()"]), True
        if self.rng.random() < 0.07:
            inner = f"grad({self.of.pick(is_computed).text}.sum(), [{self.of.pick(is_differentiated).text}]"
            return f"({inner}, create_graph=True)[0] ** 2).sum()", True
        scalars = self.of.names(lambda value: is_computed(value) and value.numel() == 1)
        if scalars and self.rng.random() < 0.5:
            return self.rng.choice(scalars)[0], True
        y = self.of.pick(lambda value: is_computed(value) or (is_differentiated(value) and self.rng.random() < 0.1))
        if self.rng.random() < 0.2:
            return y.text, y.value.numel() == 1
        return self.rng.choice(
            [f"{y.text}.sum()", f"{y.text}.sum()", f"{y.text}.mean()", f"({y.text} ** 2).sum()"]
        ), True

    def backward(self) -> Step:
        rng = self.rng
        root, scalar = self.root()
        options: dict[str, Any] = {}
        if not scalar or rng.random() < 0.1:
            options["gradient"] = rng.choice(
                [f"ones_like({root})", f"{root}.detach().clone()", f"full_like({root}, 0.5)"]
            )
        if rng.random() < 0.4:
            options["retain_graph"] = True
        if rng.random() < 0.12:
            options["create_graph"] = True
        if rng.random() < 0.12:
            options["inputs"] = sorted({self.of.pick(is_differentiated).text for _ in range(rng.randint(1, 2))})
        if rng.random() < 0.6:
            given = [f"{key}={value}".replace("'", "") for key, value in options.items()]
            return f"{root}.backward({', '.join(given)})"
        if rng.random() < 0.25:
            other, also_scalar = self.root()
            gradient = options.pop("gradient", None)
            gradients = [gradient, None if also_scalar else f"ones_like({other})"]
            if any(gradients):
                options["gradient"] = gradients
            return {"backward": {"of": [root, other], **options}}
        return {"backward": {"of": root, **options} if options else root}

    def grad_call(self) -> Step:
        rng = self.rng
        root, scalar = self.root()
        inputs = list(dict.fromkeys(self.of.pick(is_differentiated).text for _ in range(rng.choice([1, 1, 2]))))
        given = [root, rng.choice([f"[{', '.join(inputs)}]", f"({', '.join(inputs)},)"])]
        if not scalar or rng.random() < 0.1:
            given.append(f"grad_outputs={rng.choice(['ones_like', 'zeros_like'])}({root})")
        given += [text for text in ("allow_unused=True", "materialize_grads=True") if rng.random() < 0.25]
        given += rng.choices([["create_graph=True"], ["retain_graph=True"], []], [6, 2, 2])[0]
        bound = [self.fresh() for _ in inputs]
        self.gradients.update(bound)
        names = ", ".join(bound)
        return f"{names}{',' if len(inputs) == 1 else ''} = grad({', '.join(given)})"

    def with_grad(self) -> str:
        """The name of a leaf that has a gradient."""
        names = [name for name, _ in self.of.names(lambda value: is_leaf(value) and value.grad is not None)]
        if not names:
            raise UnsuitedError
        return self.rng.choice(names)

    def use_of_grad(self) -> Step:
        rng = self.rng
        w = self.with_grad()
        grad = self.session.evaluate(w).grad
        zeroings: list[Step] = [
            {"zero_grad": [w]},
            f"{w}.grad.zero_()",
            {"zero_grad": {"of": [w], "set_to_none": False}},
        ]
        choices: list[Step] = [
            f"{w}.grad = None",
            {"zero_grad": {"of": [w], "set_to_none": True}},
            f"{self.fresh()} = {w}.grad",
            f"{self.fresh()} = {w}.grad * 2",
            f"{self.fresh()} = ({w}.grad ** 2).sum()",
            f"{w}.grad *= 0.5",
            f"{w}.grad = ones_like({w})",
            f"{w}.grad = {w}.grad.detach() * 2",
            {"no_grad": [f"{w} -= 0.1 * {w}.grad"]},
            {"no_grad": [f"{w} -= 0.1 * {w}.grad", f"{w}.grad.zero_()"]},
            f"{w}.data -= 0.1 * {w}.grad",
        ]
        return rng.choice(choices + ([] if grad.requires_grad else zeroings))

    def no_grad_block(self) -> Step:
        rng = self.rng
        inner: list[Step] = []
        for _ in range(rng.randint(1, 2)):
            picked = self.of.pick(lambda value: is_differentiated(value) and not is_gradient(value))
            x = picked.text
            inner.append(
                rng.choice(
                    [
                        in_place(self.of, x),
                        f"{self.fresh()} = {unwrapped(self.of.draw(1).text)}",
                        f"{self.fresh()} = {x} * 2",
                        f"{self.fresh()} = {x}.view(-1)",
                        f"{x}.copy_({self.operand_apart(picked)})",
                    ]
                )
            )
        return {"no_grad": inner}

    def retaining(self) -> Step:
        y = self.of.pick(is_computed).text
        mapping: Step = {"retain_grad": [y]}
        return self.rng.choice([mapping, f"{y}.retain_grad()"])

    def hook(self) -> Step:
        x = self.of.pick(is_differentiated)
        values = [
            "2 * g",
            "-g",
            "g * 0.5",
            "g.clamp(-1, 1)",
            "g + 1",
            "g.detach()",
            "g ** 2",
            "zeros_like(g)",
            None,
        ]
        same = self.of.names(lambda value: value.shape == x.value.shape and value.dtype is x.value.dtype)
        if same:
            values.append(f"g * {self.rng.choice(same)[0]}")
        value = self.rng.choice(values)
        body = {"on": x.text, "as": "g"}
        return {"hook": body if value is None else {**body, "value": value}}

    def flag(self) -> Step:
        rng = self.rng
        if rng.random() < 0.5:
            c = self.of.pick(is_constant).text
            thaw: Step = {"requires_grad": {c: True}}
            return rng.choice([thaw, f"{c}.requires_grad = True", f"{c}.requires_grad_()"])
        w = self.of.pick(is_leaf).text
        freeze: Step = {"requires_grad": {w: False}}
        return rng.choice([freeze, f"{w}.requires_grad = False", f"{w}.requires_grad_(False)"])

    def reading(self) -> Step:
        x = self.of.pick()
        names = ["is_leaf", "requires_grad", "retains_grad", "ndim"]
        is_grad = any(x.value is other.grad for _, other in self.of.names(is_leaf))
        names += [] if is_grad or x.text in self.gradients else ["_version"]
        names += ["item()"] if x.value.numel() == 1 else ["numel()", "dim()"]
        return f"{self.fresh()} = {x.text}.{self.rng.choice(names)}"

    def data(self) -> Step:
        x = self.of.pick(is_differentiated)
        y = self.of.pick(lambda value: value.shape == x.value.shape and value.dtype is x.value.dtype).text
        return self.rng.choice(
            [
                f"{x.text}.data.mul_(0.5)",
                f"{x.text}.data = {y}.detach().clone()",
                f"{x.text}.data.fill_(0.5)",
                f"{x.text}.data.copy_({y})",
                f"{x.text}.data[...] = 1.5",
                f"{x.text}.data += 1",
            ]
        )

    def detaching(self) -> Step:
        y = self.of.pick(is_differentiated).text
        choices = [
            f"{self.fresh()} = {y}.detach()",
            f"{self.fresh()} = {y}.detach().clone()",
            f"{y}.detach_()",
        ]
        return self.rng.choice([*choices, f"{self.fresh()} = {y}.detach().requires_grad_()"])

    def renaming(self) -> Step:
        return f"{self.fresh()} = {self.of.pick(is_differentiated).text}"

    def deletion(self) -> Step:
        names = [name for name in self.session.bindings if name.startswith("y")]
        if len(names) < 2:
            raise UnsuitedError
        return f"del {self.rng.choice(names)}"


KINDS: dict[Callable[[Generator], Step], float] = {
    Generator.assignment: 14,
    Generator.mask: 0.3,
    Generator.tuple_assignment: 2,
    Generator.view: 2.5,
    Generator.in_place: 3.5,
    Generator.subscript: 2.5,
    Generator.backward: 3.5,
    Generator.grad_call: 2,
    Generator.use_of_grad: 3,
    Generator.no_grad_block: 1,
    Generator.retaining: 1.2,
    Generator.hook: 1.2,
    Generator.flag: 0.6,
    Generator.reading: 0.7,
    Generator.data: 0.5,
    Generator.detaching: 0.7,
    Generator.renaming: 0.2,
    Generator.deletion: 0.2,
}

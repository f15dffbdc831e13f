"""Mistakes that torch answers with an error: each a few steps, the last of which is to fail."""

from __future__ import annotations

from collections.abc import Callable

import torch

from .expressions import Expressions, is_differentiated, is_float
from .pipeline import Step

Fresh = Callable[[], str]
Mistake = Callable[[Expressions, Fresh], list[Step]]


def is_leaf(value: torch.Tensor) -> bool:
    return is_differentiated(value) and value.is_leaf


def is_computed(value: torch.Tensor) -> bool:
    return is_differentiated(value) and not value.is_leaf


def is_constant(value: torch.Tensor) -> bool:
    return is_float(value) and not value.requires_grad


def in_place(of: Expressions, name: str) -> str:
    """A statement that changes `name`."""
    return of.one(
        f"{name} += 1",
        f"{name} *= 2",
        f"{name}.mul_(0.5)",
        f"{name}.add_(1)",
        f"{name}.zero_()",
        f"{name}.neg_()",
        f"{name}.clamp_(min=0)",
        f"{name}[...] = 0.5",
        f"{name}.fill_(0.5)",
    )


def saving(of: Expressions, name: str) -> str:
    """An operation that saves `name` or its result for backward."""
    return of.one(
        f"exp({name})",
        f"{name} ** 2",
        f"{name} * {name}",
        f"sigmoid({name})",
        f"{name}.tanh()",
        f"sin({name})",
    )


def second_backward(of: Expressions, fresh: Fresh) -> list[Step]:
    loss = fresh()
    steps: list[Step] = [
        f"{loss} = {saving(of, of.pick(is_differentiated).text)}.sum()",
        f"{loss}.backward()",
    ]
    return [*steps, of.one(f"{loss}.backward()", f"{loss}.backward(retain_graph=True)")]


def second_mapping(of: Expressions, fresh: Fresh) -> list[Step]:
    loss = fresh()
    first: Step = {"backward": {"of": loss, "retain_graph": False}}
    return [{loss: f"{saving(of, of.pick(is_differentiated).text)}.mean()"}, first, {"backward": loss}]


def shared_part(of: Expressions, fresh: Fresh) -> list[Step]:
    y, first, second = fresh(), fresh(), fresh()
    return [
        f"{y} = {saving(of, of.pick(is_differentiated).text)}",
        f"{first} = {y}.sum()",
        f"{second} = {of.one(f'({y} * 2)', f'({y} + 1)', f'{y}')}.mean()",
        f"{first}.backward()",
        f"{second}.backward()",
    ]


def grad_twice(of: Expressions, fresh: Fresh) -> list[Step]:
    loss, g, leaf = fresh(), fresh(), of.pick(is_leaf).text
    call = f"{g}, = grad({loss}, [{leaf}])"
    return [f"{loss} = {saving(of, leaf)}.sum()", call, of.one(call, f"{loss}.backward()")]


def result_changed(of: Expressions, fresh: Fresh) -> list[Step]:
    y, x = fresh(), of.pick(is_differentiated).text
    saved = of.one(
        f"exp({x})", f"sigmoid({x})", f"{x}.tanh()", f"({x} ** 2 + 1).sqrt()", f"softmax({x}.reshape(-1), 0)"
    )
    return [f"{y} = {saved}", in_place(of, y), f"{y}.sum().backward()"]


def operand_changed(of: Expressions, fresh: Fresh) -> list[Step]:
    y, z, x = fresh(), fresh(), of.pick(is_differentiated).text
    return [
        f"{y} = {x} * 2",
        f"{z} = {saving(of, y)}",
        in_place(of, y),
        f"{of.one(z, f'({y} + {z})')}.sum().backward()",
    ]


def part_changed(of: Expressions, fresh: Fresh) -> list[Step]:
    """The saved tensor is changed through a view."""
    y, v, x = fresh(), fresh(), of.pick(lambda value: is_differentiated(value) and value.dim() > 0).text
    view = of.one(f"{y}[0]", f"{y}.view(-1)", f"{y}[-1:]", f"{y}.detach()", f"{y}.unsqueeze(0)", f"{y}.data.detach()")
    return [f"{y} = {x}.exp()", f"{v} = {view}", in_place(of, v), f"{y}.sum().backward()"]


def leaf_updated_early(of: Expressions, fresh: Fresh) -> list[Step]:
    loss, leaf = fresh(), of.pick(is_leaf).text
    update: Step = {"no_grad": [of.one(f"{leaf} -= 0.1", f"{leaf}.mul_(0.5)", f"{leaf}.zero_()")]}
    return [
        f"{loss} = {saving(of, leaf)}.sum()",
        update,
        of.one(f"{loss}.backward()", f"late, = grad({loss}, [{leaf}])"),
    ]


def leaf_in_place(of: Expressions, fresh: Fresh) -> list[Step]:
    leaf = of.pick(is_leaf)
    subscript = [f"{leaf.text}[{of.index(leaf)}] = 3", f"{leaf.text}[0] += 1"] if leaf.value.dim() else []
    return [of.one(in_place(of, leaf.text), *subscript)]


def view_of_leaf(of: Expressions, fresh: Fresh) -> list[Step]:
    v = fresh()
    leaf = of.pick(lambda value: is_leaf(value) and value.dim() > 0).text
    view = of.one(
        f"{leaf}[0]",
        f"{leaf}.view(-1)",
        f"{leaf}[:1]",
        f"{leaf}.unsqueeze(0)",
        f"{leaf}.t()",
        f"{leaf}.flatten()",
    )
    return [f"{v} = {view}", in_place(of, v)]


def several_views(of: Expressions, fresh: Fresh) -> list[Step]:
    y, v = fresh(), fresh()
    x = of.pick(lambda value: is_differentiated(value) and value.dim() > 0)
    call = of.split_call(x.value)
    start: Step = f"{y} = {x.text} * {of.one('2', '1')}"
    if of.rng.random() < 0.5:
        return [start, f"{v} = {y}.{call}", in_place(of, f"{v}[0]")]
    return [start, f"{v} = {y}.{call}[-1]", in_place(of, v)]


def several_views_stale(of: Expressions, fresh: Fresh) -> list[Step]:
    """The base of a split tensor changes, then a part is used."""
    y, v = fresh(), fresh()
    x = of.pick(lambda value: is_differentiated(value) and value.dim() > 0)
    return [
        f"{y} = {x.text} * 2",
        f"{v} = {y}.{of.split_call(x.value)}[0]",
        in_place(of, y),
        f"{fresh()} = {v} * 2",
    ]


def no_grad_view(of: Expressions, fresh: Fresh) -> list[Step]:
    v = fresh()
    x = of.pick(lambda value: is_differentiated(value) and value.dim() > 0)
    view = of.one(f"{x.text}[0]", f"{x.text}.view(-1)", f"{x.text}.t()", f"{x.text}[:1]", f"{x.text}.unsqueeze(-1)")
    return [{"no_grad": [f"{v} = {view}"]}, in_place(of, v)]


def several_roots(of: Expressions, fresh: Fresh) -> list[Step]:
    y = of.pick(lambda value: is_differentiated(value) and value.numel() > 1).text
    return [of.one(f"{y}.backward()", f"({y} * 2).backward()", f"late, = grad({y}, [{of.pick(is_leaf).text}])")]


def wrong_gradient(of: Expressions, fresh: Fresh) -> list[Step]:
    y = of.pick(is_computed).text
    call: Step = f"{y}.backward({of.one('ones(7)', 'gradient=ones(7)', 'ones(2, 1, 2)')})"
    mapping: Step = {"backward": {"of": y, "gradient": "ones(7)"}}
    return [of.rng.choice([call, mapping])]


def integer_requires_grad(of: Expressions, fresh: Fresh) -> list[Step]:
    i = of.pick(lambda value: not is_float(value)).text
    mapping: Step = {"requires_grad": {i: True}}
    return [of.rng.choice([mapping, f"{i}.requires_grad = True", f"{i}.requires_grad_()"])]


def frozen_non_leaf(of: Expressions, fresh: Fresh) -> list[Step]:
    y = of.pick(is_computed).text
    mapping: Step = {"requires_grad": {y: False}}
    return [of.rng.choice([mapping, f"{y}.requires_grad = False", f"{y}.requires_grad_(False)"])]


def no_graph(of: Expressions, fresh: Fresh) -> list[Step]:
    y = fresh()
    made = of.one(f"{of.pick(is_differentiated).text}.detach().sum()", f"{of.pick(is_constant).text}.mean()")
    blocked: Step = {"no_grad": [f"{y} = {of.pick(is_differentiated).text}.sum()"]}
    first: Step = of.rng.choice([f"{y} = {made}", blocked])
    return [first, of.rng.choice([f"{y}.backward()", f"late, = grad({y}, [{of.pick(is_leaf).text}])"])]


def unused(of: Expressions, fresh: Fresh) -> list[Step]:
    loss, g = fresh(), fresh()
    used, other = of.pick(is_differentiated).text, of.pick(is_differentiated).text
    inputs = of.one(f"[{other}]", f"[{used}, {other}]")
    return [f"{loss} = ({used} * 2).sum()", f"{g} = grad({loss}, {inputs})"]


def constant_input(of: Expressions, fresh: Fresh) -> list[Step]:
    loss, g = fresh(), fresh()
    return [
        f"{loss} = ({of.pick(is_differentiated).text} * 2).sum()",
        f"{g}, = grad({loss}, [{of.pick(is_constant).text}])",
    ]


def constant_retains(of: Expressions, fresh: Fresh) -> list[Step]:
    c = of.pick(is_constant).text
    retain: Step = {"retain_grad": [c]}
    hook: Step = {"hook": {"on": c, "as": "g", "value": "2 * g"}}
    return [of.rng.choice([retain, hook, f"{c}.retain_grad()"])]


def first_order_only(of: Expressions, fresh: Fresh) -> list[Step]:
    """The gradient is differentiated, though no graph of it was made."""
    loss, g, leaf = fresh(), fresh(), of.pick(is_leaf).text
    return [
        f"{loss} = ({leaf} ** 3).sum()",
        f"{g}, = grad({loss}, [{leaf}], retain_graph=True)",
        f"{g}.sum().backward()",
    ]


def detach_view(of: Expressions, fresh: Fresh) -> list[Step]:
    v = fresh()
    x = of.pick(lambda value: is_computed(value) and value.dim() > 0).text
    return [f"{v} = {of.one(f'{x}[0]', f'{x}.view(-1)', f'{x}.t()')}", f"{v}.detach_()"]


def wrong_grad_assigned(of: Expressions, fresh: Fresh) -> list[Step]:
    leaf = of.pick(is_leaf)
    value = of.one("ones(7)", f"ones_like({leaf.text}).unsqueeze(0)", f"{leaf.text}.detach().to(float16)")
    return [f"{leaf.text}.grad = {value}"]


def moved_inside(of: Expressions, fresh: Fresh) -> list[Step]:
    """A constant, written to, becomes a part of the graph, and is then taken for a leaf or a scalar."""
    c, x = of.pick(is_constant).text, of.pick(is_differentiated).text
    return [f"{c} += {x}.sum()", of.one(f"{c}.requires_grad = False", f"{c}.backward(ones(7))")]


def wrong_hook(of: Expressions, fresh: Fresh) -> list[Step]:
    x, loss = of.pick(is_differentiated).text, fresh()
    hook: Step = {"hook": {"on": x, "as": "g", "value": of.one("ones(7)", "g.unsqueeze(0)")}}
    return [hook, f"{loss} = ({x} * 2).sum()", f"{loss}.backward()"]


def wrong_shape(of: Expressions, fresh: Fresh) -> list[Step]:
    """Not a mistake of autograd's: shapes that do not fit, places that do not exist."""
    x = of.pick().text
    return [
        of.one(
            f"{fresh()} = {x} + ones(7)",
            f"{fresh()} = {x} @ ones(7)",
            f"{fresh()} = {x}[9]",
            f"{fresh()} = {x}.sum(dim=5)",
            f"{fresh()} = {x}.view(7)",
            f"{fresh()} = cat([{x}, ones(7, 1, 1, 1)])",
        )
    ]


def wrong_dtype(of: Expressions, fresh: Fresh) -> list[Step]:
    i = of.pick(lambda value: value.dtype is torch.int64).text
    return [of.one(f"{i} += 0.5", f"{i} *= {of.pick().text}", f"{i} /= 2", f"{fresh()} = {i}.mean()")]


MISTAKES: dict[Mistake, float] = {
    second_backward: 3,
    second_mapping: 1.5,
    shared_part: 2,
    grad_twice: 1.5,
    result_changed: 3,
    operand_changed: 3,
    part_changed: 3,
    leaf_updated_early: 2,
    leaf_in_place: 2,
    view_of_leaf: 2,
    several_views: 2.5,
    several_views_stale: 1.5,
    no_grad_view: 2,
    several_roots: 1.5,
    wrong_gradient: 1.5,
    integer_requires_grad: 1,
    frozen_non_leaf: 1,
    no_graph: 1.5,
    unused: 2,
    constant_input: 1,
    constant_retains: 1,
    first_order_only: 1,
    detach_view: 1,
    wrong_grad_assigned: 1,
    moved_inside: 0.7,
    wrong_hook: 1,
    wrong_shape: 1,
    wrong_dtype: 0.7,
}


def draw_mistake(of: Expressions, fresh: Fresh) -> list[Step]:
    """The steps of one mistake, chosen by weight; UnsuitedError if what it needs is not bound."""
    mistake = of.rng.choices(list(MISTAKES), list(MISTAKES.values()))[0]
    return mistake(of, fresh)

"""A spec file as a script for JAX: what is differentiated becomes a function of the leaves that it depends on."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gradcli.engine.device import np
from gradcli.engine.mode import grad_mode
from gradcli.engine.tensor import Tensor
from gradcli.export.arrays.document import ArrayDocument, written
from gradcli.export.arrays.items import Item, Operation, Reading, Trees, is_grad, items_of, tensors_in, written_in
from gradcli.export.arrays.loops import Key, Loop
from gradcli.export.arrays.watch import Watch
from gradcli.export.jax.table import SPECIAL, TEXTS, has_other_gradient
from gradcli.export.python import ATOM, PLACE, SIGNS, call, changed, literal, method, name, source
from gradcli.export.script import Script
from gradcli.record import Record
from gradcli.spec import steps, tree
from gradcli.spec.steps import Expression, FunctionEntry, Literal, Spec

IMPORTS = {
    "jax": "import jax", "jnp": "import jax.numpy as jnp", "np": "import numpy as np",
    "special": "from jax.scipy import special",
}  # fmt: skip
OPERATORS = {sign: known for known, sign in SIGNS.items() if known not in ("neg", "pos")}


def script(specs: Sequence[Spec]) -> str:
    """The script of all documents of a file. Raises UserError for what has no counterpart in JAX."""
    return written(specs, JaxDocument, IMPORTS, {"jax", "jnp"}, ['jax.config.update("jax_enable_x64", True)'])


class Statement(Record):
    """An assignment on the way of a gradient, with the values of what it names."""

    key: Key
    value: Any
    names: set[Key]


class Function(Record):
    """What is differentiated, as a function of these variables; `places` are those that are no leaves."""

    name: str
    parameters: list[str]
    results: list[Tensor]
    places: list[str]

    def arguments(self, one: str) -> Any:
        """What stands for a parameter where the function is called."""
        return call("jnp.zeros_like", name(one)) if one in self.places else name(one)


class JaxDocument(ArrayDocument):
    """One document, or one combination of a matrix."""

    target = "jax"
    module = "jnp"
    helpers = Path(__file__).with_name("helpers.py")
    texts = TEXTS

    def __init__(self, spec: Spec, script: Script, watch: Watch, unrolled: set[int]) -> None:
        super().__init__(spec, script, watch, unrolled)
        self.tape: list[Statement] = []
        self.made: set[Key] = set()  # what the tape has, or had before a loop ended
        self.functions_written: dict[tuple[str, ...], Function] = {}
        self.claims: dict[tuple[str, str], str] = {}
        self.made_in: dict[Key, Loop] = {}  # the loops that made what no gradient can go through
        self.leaf_hooks: dict[str, list[str]] = {}
        self.crossed: set[Key] = set()  # what gradients went through, in the loop that is being written

    # Forward

    def computed(self, expression: Expression, node: Any) -> Item:
        return self.item(Reading(expression, self.session.scope, {}, self.keep), node)

    def keep(self, operation: Operation) -> Sequence[Item]:
        if isinstance(operation.op, FunctionEntry):
            return [Item(self.claimed_call(operation.op, operation), operation.results[0])]
        kinds = {
            one.dtype.kind for value in (operation.results, *operation.values.values()) for one in tensors_in(value)
        }
        if "c" in kinds:
            raise self.unable("a gradient of complex numbers")
        if has_other_gradient(operation):
            raise self.unable(f"a gradient of `{operation.op.name.lstrip('_')}` where JAX has another one")
        for parameter, value in operation.values.items():
            for one in tensors_in(value) if isinstance(value, Tensor) else ():
                if not one.requires_grad and self.is_active(operation.trees[parameter]):
                    operation.trees[parameter] = call("jax.lax.stop_gradient", operation.trees[parameter])
        return self.forward(operation, operation.op.name)

    def completed(self, made: Any) -> Any:
        for node in tree.walk(made):
            if isinstance(node, tree.Method) and source(node.target) == "special" and node.name not in SPECIAL:
                raise self.unable(f"`scipy.special.{node.name}`")
        return super().completed(changed(made, as_index))

    def is_active(self, made: Any) -> bool:
        """Whether a gradient may flow through a tree."""
        leaves = {self.names.values[known] for known, value in self.bindings.items() if Item(None, value).active}
        return any(key in self.made or key[0] in leaves for key in self.names_of(made))

    def helped(self, made: Any) -> Any:
        own = self.names.numbered("t")
        self.write_assignment(own, made, self.is_active(made))
        return name(own)

    def write_assignment(self, variable: str, made: Any, active: bool) -> None:
        """Assign a variable, on the tape if a gradient may flow through it."""
        names = self.names_of(made)
        self.script.statement(f"{variable} = ", made)
        self.stamps[variable] = self.stamp(variable) + 1
        if active:
            key = (variable, self.stamp(variable))
            self.tape.append(Statement(key, made, names))
            self.made.add(key)
            self.live |= {key, *names}

    def names_of(self, made: Any) -> set[Key]:
        named = {node.id for node in tree.walk(made) if isinstance(node, tree.Name)}
        return {(one, self.stamp(one)) for one in named if one not in ("jax", "jnp") and "." not in one}

    def assign(self, target: str, item: Item) -> None:
        self.gradients.pop(target, None)
        is_leaf, made = self.is_leaf_of_its_own(item), item.tree
        if item.active and not isinstance(item.value, Tensor):
            made = tree.TupleOf(tuple([self.helped(one.tree) for one in items_of(item)]), **PLACE)
        if item.active:
            self.live |= self.names_of(made)
        variable = self.names.values[target] = self.variable(self.names.values[target])
        self.tuples.pop(variable, None)
        if item.active and not is_leaf and self.is_alias(item):
            self.script.statement(f"{variable} = ", made)
            self.names.values[target] = made.id
            self.bindings[target] = item.value
            return
        if item.active and not isinstance(item.value, Tensor):
            self.tuples[variable] = made
        self.write_assignment(variable, made, item.active and not is_leaf)
        self.bindings[target] = item.value
        if is_leaf:
            self.begin_gradient(target)

    def change(self, step: steps.Line, expression: Expression, target: Any, sign: str, value: Any) -> None:
        """JAX's arrays do not change: the name gets another one."""
        made, part = self.computed(expression, value).tree, target
        whole = part.target if isinstance(part, tree.Subscript) else part
        root = whole.target if isinstance(whole, tree.Attribute) and whole.name == "data" else whole
        if not isinstance(root, tree.Name) and not (is_grad(root) and root is target):
            raise self.unable("this change in place", step.span)
        before = self.session.evaluate(expression, root)
        in_graph = isinstance(before, Tensor) and before.requires_grad and not before.is_leaf
        if isinstance(before, Tensor) and (len(self.sharing(before)) > 1 or (whole is not root and in_graph)):
            raise self.unable("a change in place of what is seen elsewhere", step.span)
        shown = self.item(Reading(expression, self.session.scope), root).tree
        index = None if part is whole else self.flat(expression, part.index).tree
        if sign:
            own = shown if index is None else tree.Subscript(shown, index, **PLACE)
            made = tree.Operator(OPERATORS[sign], (own, made), **PLACE)
        if index is not None:
            place = tree.Subscript(tree.Attribute(shown, "at", **PLACE), index, **PLACE)
            made = method(changed(place, as_index), "set", changed(made, as_index))
        self.take(step)
        if not isinstance(root, tree.Name):
            self.write_assignment(source(shown), made, False)
            return
        now = self.bindings[root.id]
        active = Item(None, now).active and not now.is_leaf
        if active:
            self.names.values[root.id] = self.variable(self.names.values[root.id])
        self.write_assignment(self.names.values[root.id], made, active)

    def renumbered(self, before: Any, made: Any) -> Any:
        raise self.unable("other numbers for what is in the graph")

    def overwrite(self, changed: Tensor, before: Any, trees: Trees) -> None:
        sharing = self.sharing(changed)
        if any(self.bindings[known].array is not changed.array for known in sharing):
            raise self.unable("a change in place of what is seen elsewhere")
        if any(np.shares_memory(one.memory, changed.memory) for one in self.in_lists()):
            raise self.unable("a change in place of what is in a list")
        made = trees.of(changed)
        for known in sharing:
            value = self.bindings[known]
            if value is not changed and not value.is_leaf and Item(None, value).active:
                raise self.unable("other numbers for what is in the graph")
            if value.is_leaf and value.requires_grad:
                self.write_assignment(self.names.values[known], made, False)
            else:
                self.assign(known, self.as_tensor(Item(made, value)))
            made = name(self.names.values[known])
        trees.add(changed, made)

    def loop(self, step: Loop, head: str, first: Sequence[str] = (), last: Sequence[str] = ()) -> None:
        """What a loop records is gone at its end, and no gradient may lead from one round into another."""
        recorded, before, self.crossed = len(self.tape), self.crossed, set()
        super().loop(step, head, first, last)
        inner = {one.key for one in self.tape[recorded:]}
        if any(self.stamp(variable) != stamp for variable, stamp in self.crossed - inner):
            raise self.unable_in_loop("a gradient from one round of a loop into another", step.span, step)
        self.made_in.update(dict.fromkeys(inner, step))
        del self.tape[recorded:]
        self.crossed |= before
        self.functions_written.clear()

    # Functions with backwards of their own, and hooks

    def claimed_call(self, entry: FunctionEntry, operation: Operation) -> Any:
        """A call of a function that has its backward as a rule."""
        shapes = str([(one.shape, one.dtype.name) for value in operation.values.values() for one in tensors_in(value)])
        key = (entry.name, shapes)
        if key not in self.claims:
            self.claims[key] = self.claim_rule(entry, operation)
        return call(self.claims[key], *(operation.trees[parameter] for parameter in entry.parameters))

    def claim_rule(self, entry: FunctionEntry, operation: Operation) -> str:
        """The definition of a function and of its backward."""
        script = self.script
        own = self.variable_for_function(entry.name)
        parameters = {known: self.names.values.get(known, known) for known in entry.parameters}
        items = {known: Item(name(parameters[known]), operation.values[known]) for known in entry.parameters}
        listed = ", ".join(parameters.values())
        self.script.space()
        script.line("@jax.custom_vjp")
        with script.block(f"def {own}({listed}):"):
            script.statement(
                "return ", self.claimed(entry, {known: one.tree for known, one in items.items()}, operation.values)
            )
        self.script.space()
        with script.block(f"def {own}_forward({listed}):"):
            script.line(f"result = {own}({listed})")
            script.line(f"return result, ({listed}, result)")
        self.script.space()
        (value,) = operation.results
        items |= {
            "grad": Item(name("grad"), Tensor(value.array.copy())),
            "result": Item(name("result"), value.detach()),
        }
        with script.block(f"def {own}_backward(saved, grad):"):
            script.line(f"{listed}, result = saved")
            script.returned([tree.TupleOf(tuple(self.rules(entry, items)), **PLACE)])
        self.script.space()
        script.line(f"{own}.defvjp({own}_forward, {own}_backward)")
        self.script.space()
        return own

    def rules(self, entry: FunctionEntry, items: dict[str, Item]) -> list[Any]:
        """The gradients that a function's own backward claims, in the order of its parameters."""
        assert entry.backward is not None
        scope = self.session.scope.inside({known: item.value for known, item in items.items()})
        found = []
        for parameter in entry.parameters:
            formula = entry.backward.get(parameter)
            made = Item(literal(None), None)
            if formula is not None:
                made = self.read(Reading(formula, scope, items, None, True, False), records=False)
            own = items[parameter].value
            if isinstance(made.value, Tensor) and isinstance(own, Tensor) and made.value.shape != own.shape:
                raise self.unable(f"a backward of `{entry.name}` that is summed over what was broadcast")
            found.append(made.tree)
        return found

    def variable_for_function(self, wanted: str) -> str:
        known = self.names.functions.get(wanted, wanted)
        return known if known not in self.claims.values() else self.names.another(known)

    def hook_named(self, step: steps.Hook, own: str) -> None:
        """An identity whose backward is the hook, around what is hooked."""
        self.take(step)
        if self.varying:
            raise self.unable_in_loop("a hook in a loop")
        value, variable = self.bindings[own], self.names.values[own]
        hook = self.names.fresh(f"hook_of_{variable}")
        gradient = self.names.values[step.name]
        item = Item(name(gradient), Tensor(value.array.copy()))
        if step.value is None:
            made: Any = tree.Subscript(
                tree.TupleOf((name(gradient), call("print", name(gradient))), **PLACE), literal(0), **PLACE
            )
        else:
            scope = self.session.scope.inside({**self.bindings, step.name: item.value})
            reading = Reading(step.value, scope, {step.name: item}, None, False, False)
            made = self.read(reading, records=False).tree
            if isinstance(made, tree.Constant) and made.value is None:
                made = name(gradient)
        self.script.space()
        self.script.line("@jax.custom_vjp")
        with self.script.block(f"def {hook}({variable}):"):
            self.script.line(f"return {variable}")
        self.script.space()
        with self.script.block(f"def {hook}_backward(_, {gradient}):"):
            self.script.returned([tree.TupleOf((made,), **PLACE)])
        self.script.space()
        self.script.line(f"{hook}.defvjp(lambda {variable}: ({variable}, None), {hook}_backward)")
        self.script.space()
        self.functions_written.clear()
        if value.is_leaf:
            self.leaf_hooks.setdefault(variable, []).append(hook)
            return
        key = (variable, self.stamp(variable))
        for statement in self.tape:
            if statement.key == key:
                statement.value = around(statement.value, hook)
                return
        raise self.unable("a hook on what has no line of its own")

    # Backward

    def backward(self, step: steps.Backward) -> None:
        roots = [self.computed(one, one.tree) for one in step.of]
        inputs = None if step.inputs is None else [self.owner(one, one.tree) for one in step.inputs]
        for own in inputs or ():
            if own not in self.gradients:
                self.begin_gradient(own)
        starts = [self.start(root, gradient) for root, gradient in zip(roots, step.gradient, strict=True)]
        before = self.reached(step)
        places = [own for own in before if not self.bindings[own].is_leaf]
        function = self.function(roots, [self.names.values[own] for own in places])
        owners = {self.names.values[known]: known for known in self.gradients}
        wanted = [one for one in function.parameters if owners.get(one) in before]
        for own in before:  # zeros for what has been overwritten, or has drawn what is random
            if self.names.values[own] not in wanted:
                self.accumulate(own, call("jnp.zeros_like", name(self.names.values[own])))
        if not wanted:
            return
        parts = [self.names.fresh(f"d_{parameter}") for parameter in wanted]
        made = self.derivatives(function, wanted, starts)
        if step.create_graph:
            parts = self.recorded_parts(parts, made)
        else:
            self.script.statement(f"{', '.join(parts)} = ", made)
        for parameter, part in zip(wanted, parts, strict=True):
            self.add_to_grad(owners[parameter], part, before[owners[parameter]], step.create_graph)
            self.names.taken.discard(part)

    def recorded_parts(self, parts: list[str], made: Any) -> list[str]:
        """The gradients as parts of what further gradients flow through."""
        if len(parts) == 1:
            self.write_assignment(parts[0], made, True)
            return parts
        whole = self.helped(made)
        for place, part in enumerate(parts):
            self.write_assignment(part, tree.Subscript(whole, literal(place), **PLACE), True)
        return parts

    def add_to_grad(self, own: str, part: str, before: Tensor | None, recorded: bool) -> None:
        known = self.gradients[own]
        if (known, self.stamp(known)) in self.live or recorded:
            if self.varying:
                raise self.unable_in_loop("a gradient that is needed yet in a loop")
            made: Any = name(part) if before is None else tree.Operator("add", (name(known), name(part)), **PLACE)
            self.gradients[own] = self.variable(known)
            active = recorded or (before is not None and before.requires_grad)
            self.write_assignment(self.gradients[own], made, active)
            self.state[own] = "set"
        else:
            self.accumulate(own, name(part))
            self.stamps[known] = self.stamp(known) + 1

    def start(self, root: Item, gradient: Expression | Literal | None) -> Any:
        """The gradient that a backward begins with; None for that of a scalar."""
        dtype = self.dtype(root.value.dtype.name)
        if gradient is None:
            return None if root.value.ndim == 0 else call("jnp.ones", self.literal(root.value.shape), dtype=dtype)
        if isinstance(gradient, Literal):
            return call("jnp.array", self.literal(gradient.value), dtype=dtype)
        return self.flat(gradient).tree

    def derivatives(self, function: Function, wanted: list[str], starts: list[Any]) -> Any:
        """The gradients of a function by some of its parameters: a tuple, unless there is only one."""
        arguments = [function.arguments(parameter) for parameter in function.parameters]
        if starts == [None]:
            return self.applied_to(
                call("jax.grad", name(function.name), **self.numbers_of(function, wanted)), arguments
            )
        given = [
            call("jnp.ones", tree.TupleOf((), **PLACE), dtype=self.dtype(result.dtype.name)) if start is None else start
            for start, result in zip(starts, function.results, strict=True)
        ]
        start = given[0] if len(given) == 1 else tree.TupleOf(tuple(given), **PLACE)
        self.script.need("pulled_back")
        parts = call("pulled_back", name(function.name), tree.TupleOf(tuple(arguments), **PLACE), start)
        if len(wanted) == len(function.parameters):
            return tree.Subscript(parts, literal(0), **PLACE) if len(wanted) == 1 else parts
        places = [function.parameters.index(one) for one in wanted]
        if len(places) == 1:
            return tree.Subscript(parts, literal(places[0]), **PLACE)
        whole = self.helped(parts)
        return tree.TupleOf(tuple([tree.Subscript(whole, literal(place), **PLACE) for place in places]), **PLACE)

    def numbers_of(self, function: Function, wanted: list[str]) -> dict[str, Any]:
        """`argnums` for some parameters, if that is needed."""
        places = [literal(function.parameters.index(one)) for one in wanted]
        if len(function.parameters) == 1:
            return {}
        return {"argnums": places[0] if len(places) == 1 else tree.TupleOf(tuple(places), **PLACE)}

    def applied_to(self, made: Any, arguments: Sequence[Any]) -> Any:
        return call(source(made, ATOM), *arguments)

    def function(self, roots: list[Item], places: Sequence[str] = ()) -> Function:
        """The function that gives what is differentiated, defined where it is needed first.

        `places` are variables that are no leaves, but differentiated by.
        """
        needed: set[Key] = set().union(*(self.names_of(root.tree) for root in roots))
        chosen: list[Statement] = []
        for statement in reversed(self.tape):
            if statement.key in needed:
                chosen.insert(0, statement)
                needed |= statement.names
        self.crossed |= {one.key for one in chosen}
        made = {one.key for one in chosen}
        free = needed - made
        for key in free:
            if key in self.made_in:
                raise self.unable_in_loop(
                    f"a gradient through `{key[0]}`, which is made in a loop", None, self.made_in[key]
                )
        leaves = self.leaves(free, {variable for variable, _ in made})
        open_places = [one for one in places if (one, self.stamp(one)) in made]
        known = tuple(sorted({*(source(root.tree) for root in roots), *map(str, made | free), *open_places}))
        if known not in self.functions_written:
            own = self.define([root.tree for root in roots], chosen, leaves, open_places)
            results = [root.value for root in roots]
            self.functions_written[known] = Function(own, [*leaves, *open_places], results, open_places)
        return self.functions_written[known]

    def leaves(self, free: set[Key], inner: set[str]) -> list[str]:
        """Which of the variables that a function does not make itself are leaves; errors for those it cannot have."""
        for variable, stamp in free:
            if variable in inner or stamp != self.stamp(variable):
                raise self.unable(f"a gradient that needs what `{variable}` was before")
        found = [
            self.names.values[known]
            for known, value in self.bindings.items()
            if (self.names.values[known], self.stamp(self.names.values[known])) in free
            and isinstance(value, Tensor) and value.requires_grad and value.is_leaf
        ]  # fmt: skip
        return list(dict.fromkeys(found))

    def define(self, results: list[Any], chosen: list[Statement], leaves: list[str], places: list[str]) -> str:
        script, first = self.script, results[0]
        own = self.names.fresh(f"{first.id}_of") if isinstance(first, tree.Name) else self.names.numbered("f")
        moved = {one: self.names.fresh(f"{one}_") for one in places}
        script.space()
        if script.lines and script.lines[-1].endswith(":"):
            script.line()
        with script.block(f"def {own}({', '.join([*leaves, *moved.values()])}):"):
            for leaf in leaves:
                for hook in reversed(self.leaf_hooks.get(leaf, [])):  # the first sees the gradient first
                    script.line(f"{leaf} = {hook}({leaf})")
            single = len(results) == 1 and isinstance(first, tree.Name) and chosen and first.id not in moved
            if single and chosen[-1].key[0] == first.id:
                *chosen, last = chosen
                results = [last.value]
            for statement in chosen:
                variable, made = statement.key[0], statement.value
                if variable in moved and statement.key[1] == self.stamp(variable):
                    made = tree.Operator("add", (made, name(moved[variable])), **PLACE)
                script.statement(f"{variable} = ", made)
            script.returned(results)
        self.script.space()
        return own

    # Derivatives in expressions

    def differential(self, reading: Reading, node: tree.Call, below: list[Item]) -> Item:
        function = written_in(node)
        words = {word.name: item for word, item in zip(node.keywords, below[len(node.args) :], strict=True)}
        args = below[: len(node.args)]
        if reading.keep is None or len(args) < 2:
            raise self.unable(f"`{function}` with these arguments")
        value = self.derivative(reading, node, below)
        root, wanted = args[0], items_of(args[1])
        vectors = items_of(args[2] if len(args) > 2 else words.get("grad_outputs", Item(literal(None), None)))
        variables = [one.tree.id if isinstance(one.tree, tree.Name) else "" for one in wanted]
        if "" in variables:
            raise self.unable(f"`{function}` by what has no name")
        places = [one for one, item in zip(variables, wanted, strict=True) if not item.value.is_leaf]
        of = self.function([root], places)
        missing = [one for one in variables if one not in of.parameters]
        several = isinstance(args[1].value, list | tuple)
        if missing:
            if not grad_mode.enabled or any(True for _ in tensors_in(value) if _.requires_grad):
                raise self.unable(f"`{function}` by what it does not depend on")
            return Item(self.literal(value), value)
        arguments = [of.arguments(parameter) for parameter in of.parameters]
        options = self.numbers_of(of, variables)
        if function in ("grad", "vjp"):
            given = vectors[0].tree
            start = None if isinstance(given, tree.Constant) and root.value.ndim == 0 and given.value is None else given
            if isinstance(given, tree.Constant) and given.value is None and root.value.ndim:
                start = call("jnp.ones", self.literal(root.value.shape), dtype=self.dtype(root.value.dtype.name))
            made = self.derivatives(of, variables, [start])
            if function == "grad" and len(variables) == 1:
                made = tree.TupleOf((made,), **PLACE)
        elif function in ("jacobian", "hessian"):
            made = self.applied_to(call(f"jax.{function}", name(of.name), **options), arguments)
            if several and len(variables) == 1:
                made = tree.TupleOf((made,), **PLACE)
        else:
            made = self.pushed(function, of, variables, vectors, options)
        return Item(made, value)

    def pushed(
        self, function: str, of: Function, variables: list[str], vectors: list[Item], options: dict[str, Any]
    ) -> Any:
        """The Jacobian, or the Hessian, times vectors."""
        along = dict(zip(variables, [vector.tree for vector in vectors], strict=True))
        arguments = [of.arguments(parameter) for parameter in of.parameters]
        directions = [
            along.get(one, call("jnp.zeros_like", argument))
            for one, argument in zip(of.parameters, arguments, strict=True)
        ]
        whole = name(of.name) if function == "jvp" else call("jax.grad", name(of.name), **options)
        both = [tree.TupleOf(tuple(part), **PLACE) for part in (arguments, directions)]
        return tree.Subscript(call("jax.jvp", whole, *both), literal(1), **PLACE)


def as_index(node: Any) -> Any:
    """JAX takes no lists for indices."""
    if isinstance(node, tree.Subscript):
        index = node.index
        parts = index.items if isinstance(index, tree.TupleOf) else (index,)
        if any(isinstance(one, tree.ListOf) for one in parts):
            made = [call("jnp.array", one) if isinstance(one, tree.ListOf) else one for one in parts]
            return tree.Subscript(
                node.target, made[0] if len(made) == 1 else tree.TupleOf(tuple(made), **PLACE), **PLACE
            )
    return node


def around(made: Any, hook: str) -> Any:
    """A value with a hook inside those that it has: the first hook sees the gradient first."""
    if isinstance(made, tree.Call) and made.function.startswith("hook_of_"):
        return call(made.function, around(made.args[0], hook))
    return call(hook, made)

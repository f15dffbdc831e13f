"""Forwards as scripts for NumPy have them: an operation that a gradient flows through has a line of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from gradcli.engine.device import np
from gradcli.engine.mode import grad_mode
from gradcli.engine.tensor import Tensor
from gradcli.export.arrays.document import ArrayDocument
from gradcli.export.arrays.items import Item, Operation, Reading, Trees, is_grad, part_of, tensors_in, type_of_list
from gradcli.export.arrays.loops import Key
from gradcli.export.arrays.picked import Index, placed
from gradcli.export.arrays.watch import Watch
from gradcli.export.python import PLACE, SIGNS, literal, name, source
from gradcli.export.script import Script
from gradcli.ops.define import TABLE, Op
from gradcli.record import Record, field
from gradcli.spec import steps, tree
from gradcli.spec.steps import Expression, Spec


class Entry(Record):
    """An operation on the way of a gradient: the variables that it makes, and the values that it was made of."""

    outputs: list[str]
    operation: Operation
    operands: dict[str, int] = field(default_factory=dict)
    made: list[int] = field(default_factory=list)

    @property
    def keys(self) -> list[Key]:
        return list(zip(self.outputs, self.made, strict=True))


class Recording(ArrayDocument):
    """A document whose operations with gradients are on a tape."""

    def __init__(self, spec: Spec, script: Script, watch: Watch, unrolled: set[int]) -> None:
        super().__init__(spec, script, watch, unrolled)
        self.tape: list[Entry] = []
        self.pending: Entry | None = None
        self.unpacking = False  # whether other results of what is pending get names, too
        self.backwards: dict[Key, str] = {}  # the names of gradients on their way
        self.made_in: dict[Key, steps.Repeat | steps.While] = {}  # the loops that made what no gradient can go through
        self.hooks: list[tuple[Key, Tensor, steps.Hook]] = []
        self.crossed: set[Key] = set()  # what gradients went through, in the loop that is being written

    # Forward

    def computed(self, expression: Expression, node: Any) -> Item:
        return self.item(Reading(expression, self.session.scope, {}, self.keep), node)

    def keep(self, operation: Operation) -> Sequence[Item]:
        """Give an operation that a gradient flows through a line, once it is known what its results are called."""
        self.flush()
        operation.flows = operation.active
        for parameter, value in operation.values.items():
            operation.trees[parameter] = self.kept(operation.trees[parameter], value)
        outputs = [self.names.numbered("t") for _ in operation.results]
        self.pending = Entry(outputs, operation)
        return [Item(name(output), result) for output, result in zip(outputs, operation.results, strict=True)]

    def kept(self, made: Any, value: Any) -> Any:
        """A tree that means the same when a gradient needs it."""
        if isinstance(value, list | tuple) and any(True for _ in tensors_in(value)):
            items = [self.kept(part_of(made, place), one) for place, one in enumerate(value)]
            return type_of_list(value)(tuple(items), **PLACE)
        is_kept = isinstance(made, tree.Constant) or (
            isinstance(made, tree.Name)
            and (made.id not in self.gradients.values() or (made.id, self.stamp(made.id)) in self.live)
        )
        return made if is_kept or not isinstance(value, Tensor) else self.helped(made)

    def helped(self, made: Any) -> Any:
        self.flush()
        own = self.names.numbered("t")
        self.write_assignment(own, made)
        return name(own)

    def flush(self) -> None:
        if self.pending is not None:
            entry, self.pending = self.pending, None
            self.emit(entry)

    def emit(self, entry: Entry) -> None:
        operation = entry.operation
        named = [one for part in operation.trees.values() for one in tree.walk(part)]
        entry.operands = {one.id: self.stamp(one.id) for one in named if isinstance(one, tree.Name)}
        forms = self.forms(operation, operation.op.name)
        if len(forms) == len(entry.outputs):
            for output, made in zip(entry.outputs, forms, strict=True):
                self.write_assignment(output, made)
        else:
            self.script.statement(f"{', '.join(entry.outputs)} = ", forms[0])
            for output in entry.outputs:
                self.stamps[output] = self.stamp(output) + 1
        entry.made = [self.stamp(output) for output in entry.outputs]
        self.tape.append(entry)
        self.live |= {*entry.keys, *entry.operands.items()}

    def write_assignment(self, variable: str, made: Any) -> None:
        self.script.statement(f"{variable} = ", made)
        self.stamps[variable] = self.stamp(variable) + 1

    def assign(self, target: str, item: Item) -> None:
        self.gradients.pop(target, None)
        is_leaf = self.is_leaf_of_its_own(item)
        self.names.values[target] = self.variable(self.names.values[target])
        self.tuples.pop(self.names.values[target], None)
        if item.active and not is_leaf and self.is_alias(item):
            self.write_assignment(self.names.values[target], item.tree)
            self.names.values[target] = item.tree.id
        else:
            self.settle(self.names.values[target], item, is_leaf)
        self.bindings[target] = item.value
        if is_leaf:
            self.begin_gradient(target)

    def settle(self, variable: str, item: Item, is_leaf: bool = False) -> None:
        """Give an item that was computed the name `variable`."""
        made, pending = item.tree, self.pending
        if pending is not None and isinstance(made, tree.Name) and made.id in pending.outputs:
            self.names.taken.discard(made.id)
            pending.outputs[pending.outputs.index(made.id)] = variable
            if not self.unpacking:
                self.flush()
            return
        self.flush()
        if item.active and not isinstance(item.value, Tensor):
            self.tuples[variable] = made
        if item.active and not is_leaf and isinstance(item.value, Tensor):
            made = self.kept(made, item.value)
            (alias,) = TABLE["_alias"]
            assert isinstance(alias, Op)
            self.emit(
                Entry(
                    [variable],
                    Operation(alias, {"self": made}, {"self": item.value}, (item.value,), None, [("self", None)]),
                )
            )
        else:
            self.write_assignment(variable, made)

    def unpacked(self, step: steps.Line, expression: Expression, statement: tree.Assign) -> None:
        self.unpacking = True
        super().unpacked(step, expression, statement)
        self.unpacking = False
        self.flush()

    def loop(
        self, step: steps.Repeat | steps.While, head: str, first: Sequence[str] = (), last: Sequence[str] = ()
    ) -> None:
        """What a loop records is gone at its end, and no gradient may lead from one round into another."""
        recorded, before, self.crossed = len(self.tape), self.crossed, set()
        super().loop(step, head, first, last)
        outer = self.crossed - {key for entry in self.tape[recorded:] for key in entry.keys}
        if any(self.stamp(variable) != stamp for variable, stamp in outer):
            raise self.unable_in_loop("a gradient from one round of a loop into another", step.span, step)
        for entry in self.tape[recorded:]:
            self.made_in.update(dict.fromkeys(entry.keys, step))
        del self.tape[recorded:]
        self.crossed |= before

    def change(self, step: steps.Line, expression: Expression, target: Any, sign: str, value: Any) -> None:
        root, in_graph = target, True
        while isinstance(root, tree.Subscript) or (isinstance(root, tree.Attribute) and root.name == "data"):
            in_graph = in_graph and isinstance(root, tree.Subscript)
            root = root.target
        before = None if is_grad(target) else self.session.evaluate(expression, root)
        operator = next((known for known, one in SIGNS.items() if one == sign and known != "pos"), None)
        if isinstance(before, Tensor):
            self.check_shown(before)
        recorded = (
            in_graph
            and isinstance(before, Tensor)
            and ((before.requires_grad and not before.is_leaf) or self.brings_gradient(step))
        )
        if recorded or (
            isinstance(before, Tensor) and before.ndim == 0 and target is not root
        ):  # NumPy's numbers are fixed
            self.change_recorded(step, expression, target, operator, value)
            return
        made = self.flat(expression, value)
        shown = self.flat(expression, target)
        if is_grad(target) and operator is not None:  # other names may stand for the same array
            self.take(step)
            self.script.statement(f"{source(shown.tree)} = ", tree.Operator(operator, (shown.tree, made.tree), **PLACE))
            return
        if not isinstance(root, tree.Name):
            raise self.unable("this change in place", expression.span(target))
        if not isinstance(before, Tensor):
            if operator is None or target is not root:
                raise self.unable("this change in place", expression.span(target))
            self.assign_computed(root.id, expression, tree.Operator(operator, (target, value), start=0, end=0))
            return
        self.take(step)
        if before.ndim == 0 and len(self.sharing(before)) > 1:
            raise self.unable("a change of a number that has other names", step.span)  # NumPy's cannot be changed
        # what has been saved for a backward changes, too, as it does in torch; if that is refused, so is the spec
        self.script.statement(f"{source(shown.tree)} {sign}= ", made.tree)

    def overwrite(self, changed: Tensor, before: Any, trees: Trees) -> None:
        named, sharing = [known for known, bound in self.bindings.items() if bound is changed], self.sharing(changed)
        if changed.requires_grad and any(np.shares_memory(one.memory, changed.memory) for one in self.in_lists()):
            raise self.unable("a change in place of what is in a list")
        made = trees.of(changed)
        if not named and not sharing:
            return
        if (
            (changed.requires_grad and not changed.is_leaf)
            or changed.ndim == 0
            or (sorted(named) == sorted(sharing) and len(named) == 1 and not self.varying)
        ):
            if sorted(named) != sorted(sharing):
                raise self.unable("a change in place of what has other names")
            for known in named:
                if changed.is_leaf and changed.requires_grad:
                    self.flush()
                    self.script.statement(f"{self.names.values[known]} = ", made)
                else:
                    self.assign(known, self.as_tensor(Item(made, changed)))
                made = name(self.names.values[known])
            trees.add(changed, made)
            return
        whole = tree.Subscript(before, literal(...), **PLACE)
        self.script.statement(f"{source(whole)} = ", made)
        trees.add(changed, before)

    def brings_gradient(self, step: steps.Line) -> bool:
        """Whether a change brings a tensor into the graph."""
        assert isinstance(step.statement, tree.Assign | tree.AugmentedAssign)
        value = self.session.evaluate(step.expression, step.statement.value)
        return Item(None, value).active and grad_mode.enabled

    def change_recorded(
        self, step: steps.Line, expression: Expression, target: Any, operator: str | None, value: Any
    ) -> None:
        """A change that a gradient flows through: the name gets another array."""
        root = target.target if isinstance(target, tree.Subscript) else target
        if not isinstance(root, tree.Name):
            raise self.unable("this change in place", expression.span(target))
        own = self.item(Reading(expression, self.session.scope, {}, self.keep), root)
        if len(self.sharing(own.value)) > 1 and not self.varying:
            raise self.unable("a change in place of what has other names, and that a gradient flows through", step.span)
        node = (
            value if operator is None else tree.Operator(operator, (target, value), start=target.start, end=value.end)
        )
        made = self.computed(expression, node)
        if target is not root:
            index = self.item(Reading(expression, self.session.scope, {}, None), target.index)
            items = [Item(made.tree, made.value if isinstance(made.value, Tensor) else Tensor(np.asarray(made.value)))]
            place = Index(index.tree, index.value)
            made = self.gives(lambda: placed(own.value, place, items[0].value), [own, *items, index], self.keep)
        self.take(step)
        value_now = self.bindings[root.id]
        self.assign(root.id, made)
        self.bindings[root.id] = value_now

    def renumbered(self, before: Any, made: Any) -> Any:
        self.flush()
        assert isinstance(before, tree.Name)
        self.script.statement(f"{before.id} = ", made)
        return before

    def gives(self, compute: Callable[[], Any], items: Sequence[Item], keep: Any) -> Item:
        """What the engine computes of these items, recorded if there is one who keeps it."""
        trees = Trees()
        for one in items:
            trees.add_all(one.value, one.tree)
        value, calls = self.watch.during(compute, keep is not None)
        self.follow(calls, trees, [value], keep, True, "this")
        return Item(self.argument(value, trees) if value is not None else None, value)

    def fail(self) -> None:
        self.pending = None

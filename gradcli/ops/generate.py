"""A row's specialised functions, as generated source: they run it on Tensors and record it, by `nodes`' classes.

Interpreting rows at every call would cost several microseconds an operation; straight-line code costs a few
hundred nanoseconds. Only declarations of this package become code, never the text of a spec.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gradcli.engine.device import as_array, device_of, np, to_device
from gradcli.engine.dtypes import (
    C_NAMES,
    INTEGER_NAMES,
    TYPE_NAMES,
    as_dtype,
    dtype_kind,
    fitted,
    is_differentiable,
    promoted,
    result_type,
)
from gradcli.engine.mode import grad_mode
from gradcli.engine.node import DEAD_END, Edge, EdgeToHost
from gradcli.engine.tensor import Tensor
from gradcli.errors import UserError
from gradcli.ops.barebones import refused_by
from gradcli.ops.define import Op, Parameter, named_results
from gradcli.ops.kinds import Check, NoKernel, as_factor
from gradcli.ops.mirrors import mirrored, reflected
from gradcli.ops.nodes import Saved, compiled, saved_by, tensors_of
from gradcli.ops.reduced import in_reduced, may_be_reduced, rounding
from gradcli.ops.shape import broadcast_sizes
from gradcli.ops.views import View, before_inplace, check_recordable, in_torch_layout, rebase, write

# the Python numbers that leave the dtype of an array as it is
KEEPS_DTYPE: dict[str, frozenset[type]] = {
    **dict.fromkeys("eEfd", frozenset({bool, int, float})),
    **dict.fromkeys("FD", frozenset({bool, int, float, complex})),
    **dict.fromkeys("lqHIL", frozenset({bool, int})),
    "?": frozenset({bool}),
}


def keeps_dtype(array: Any, number: Any) -> bool:
    return type(number) in KEEPS_DTYPE.get(array.dtype.char, ())


def signature(op: Op, names: dict[str, Any]) -> str:
    """The parameters as source; a default is a name, bound in `names`."""
    parts = []
    for parameter in op.schema.parameters:
        if parameter.required:
            parts.append(parameter.name)
        else:
            names[f"default_{parameter.name}"] = parameter.default
            parts.append(f"{parameter.name}=default_{parameter.name}")
    # a required parameter may follow defaults where torch has it keyword-only
    first = next((place for place, part in enumerate(parts) if "=" in part), len(parts))
    if any("=" not in part for part in parts[first:]):
        parts[first:] = [part if "=" in part else f"{part}=None" for part in parts[first:]]
    return ", ".join(parts)


def with_defaults(op: Op) -> Callable[..., Any]:
    """The forward on arrays with the schema's defaults and parameter names."""
    if all(parameter.required for parameter in op.schema.parameters):
        return op.array_forward
    names: dict[str, Any] = {"forward": op.array_forward}
    arguments = ", ".join(parameter.name for parameter in op.schema.parameters)
    return compiled("on_arrays", [f"def on_arrays({signature(op, names)}): return forward({arguments})"], names)


UNTRACKED = frozenset({"logical_and", "logical_not", "logical_or", "logical_xor"})  # in place on leaves, too
FILLS = frozenset({"_fill", "zero", "index_put"})  # in place these may write a memory location twice


def live(edge: Edge | None) -> Edge | None:
    return None if edge is DEAD_END else edge


def in_dtype_of(array: Any, number: Any) -> Any:
    """`array` in the dtype it has with `number`, a Python number."""
    return as_dtype(array, result_type((array, number)))


def dispatch(op: Op, inplace: bool) -> Callable[..., Any]:
    """The function that runs `op` on Tensors and records it; `inplace` writes the result into `self`."""
    if op.mirror and not inplace:
        return lambda self: reflected(op, self)
    names: dict[str, Any] = {
        "forward": op.array_forward,
        "Tensor": Tensor,
        "View": View,
        "ndarray": np.ndarray,
        "as_array": as_array,
        "promoted": promoted,
        "keeps_dtype": keeps_dtype,
        "grad_mode": grad_mode,
        "is_differentiable": is_differentiable,
        "before_inplace": before_inplace,
        "write": write,
        "rebase": rebase,
        "check_recordable": check_recordable,
        "check": op.check if op.check is None or op.promote is None else shapes_first(op.check),
        "in_torch_layout": in_torch_layout,
        "DEAD_END": DEAD_END,
        "live": live,
        "in_dtype_of": in_dtype_of,
        "explained": explained,
        "with_host_scalars": with_host_scalars,
        "op": op,
        "in_reduced": in_reduced(op.text.partition("(")[0]),
        "rounding": rounding,
        "check_dtype": check_dtype,
        "fitted": fitted,
        "as_factor": as_factor,
        "check_real": check_real(op.real_only),
        "check_inplace_dtype": check_inplace_dtype,
        "mirrored": mirrored,
    }
    if len(op.schema.outputs) > 1:
        names["Result"] = named_results(op.schema)
    tensors = [parameter for parameter in op.schema.parameters if parameter.is_tensor]
    edges = op.differentiable
    lines = [f"def run({signature(op, names)}):"]
    if op.view:
        given = ", ".join(parameter.name for parameter in op.schema.parameters)
        lines.append(f"    if self.mirror is not None: return mirrored(op, {given})")
    if edges:
        lines.append("    recording = grad_mode.enabled")
        if inplace:
            lines.append("    if recording and self.requires_grad: check_recordable(self)")
    elif inplace and op.name not in UNTRACKED:
        lines.append("    if grad_mode.enabled and self.requires_grad: check_recordable(self)")
    for parameter in tensors:
        lines += read_tensor(parameter, parameter in edges)
    if op.check is not None:
        checked = [p for p in op.schema.parameters if p.is_tensor or p.name in op.operands]
        lines.append(f"    check({', '.join(f'{p.name}_array' if p.is_tensor else p.name for p in checked)})")
    lines += promotion(op, tensors)
    for name in op.fits:
        lines.append(f"    if {name} is not None: {name} = fitted({name}, {tensors[0].name}_array.dtype)")
    for name in op.factors:
        lines.append(
            f"    if {name} is not default_{name}: {name} = as_factor({name}, {tensors[0].name}_array.dtype, {name!r})"
        )
    names["refuse"] = refused_by(op)
    if names["refuse"] is not None:
        operand = f"{tensors[0].name}_array"
        lines.append(
            f"    refuse({operand}[0] if {operand} else None)" if tensors[0].is_list else f"    refuse({operand})"
        )
    lines.append(f"    reduced = {may_be_reduced(op)}")
    recorder = "(rounding(Recorded) if reduced else Recorded)"
    arguments = ", ".join(f"{p.name}_array" if p.is_tensor else p.name for p in op.schema.parameters)
    needs_grad = " or ".join(
        f"any(edge is not None for edge in {p.name}_edge)" if p.is_list else f"{p.name}_edge is not None" for p in edges
    )
    recorded = needs_grad
    if any(parameter.type == "ScalarType" for parameter in op.schema.parameters):
        recorded = f"({needs_grad}) and is_differentiable(result.dtype)"
    outputs = op.schema.outputs
    saved = saved_by(op)
    held = tensors_of(saved)
    has_dtype = bool(edges) and any(parameter.type == "ScalarType?" for parameter in op.schema.parameters)
    if edges:
        names["Recorded"] = op.node_class
        edge_list = "".join(f"*map(live, {p.name}_edge), " if p.is_list else f"{p.name}_edge, " for p in edges)
        if op.grad_fn == "NotImplemented":  # torch gives this node edges only where a gradient would be needed
            edge_list = f"*[live(edge) for edge in ({edge_list}) if edge is not None], "
    if inplace:
        lines.append(f"    records = {recorded if edges else 'False'}")
        if has_dtype:
            lines.append("    if dtype is not None: check_inplace_dtype(self.dtype, dtype)")
        others = ", ".join(f"{p.name}_array" for p in tensors if p.name != "self" and not p.is_list)
        lines.append(f"    before_inplace(self, records, ({others}{',' if others else ''}), {op.name in FILLS})")
        lines += forward_call(op, tensors, "result", arguments, True)
        if edges:
            lines.append("    if records:")
            lines.append(f"        call = None if grad_mode.tape is None else {taken_down(op, inplace=True)}")
            lines += dead_ends(op)
            lines.append(f"        versions = ({''.join(item.version(True) + ', ' for item in held)})")
            lines.append(f"        saved = ({''.join(item.value(True) + ', ' for item in saved)})")
        lines.append("    write(self, result)")
        if edges:
            lines.append("    if records:")
            metadata = "((self.array.shape, self.array.dtype),)"
            lines.append(f"        node = {recorder}(saved, ({edge_list}), versions, {metadata})")
            lines.append("        if call is not None: node.call = call")
            lines.append("        rebase(self, node)")
        lines.append("    return self")
        return compiled("run", lines, names)

    is_list = outputs[0].endswith("[]")
    if is_list:
        lines += forward_call(op, tensors, "results", arguments, False)
        metadata = "tuple([(array.shape, array.dtype) for array in results])"
    else:
        lines += forward_call(op, tensors, ", ".join(outputs), arguments, False)
        for output in outputs:
            lines.append(f"    if type({output}) is not ndarray: {output} = as_array({output})")
            if op.promote is not None and len(tensors) > 1 and not op.contiguous and tensors[0].type != "Tensor[]":
                operands = ", ".join(f"{p.name}_array" for p in tensors)
                strided = " or ".join(
                    f"({p.name}_is_tensor and not {p.name}_array.flags.c_contiguous)"
                    if p.type != "Tensor"
                    else f"not {p.name}_array.flags.c_contiguous"
                    for p in tensors
                )
                lines.append(
                    f"    if {output}.ndim > 1 and ({strided}): {output} = in_torch_layout({output}, ({operands},))"
                )
            if op.contiguous:
                lines.append(f"    if not {output}.flags.c_contiguous: {output} = {output}.copy()")
        metadata = "(" + "".join(f"({output}.shape, {output}.dtype), " for output in outputs) + ")"
    if edges:
        lines.append(f"    if {recorded}:")
        if has_dtype:
            lines.append(f"        check_dtype({outputs[0]}.dtype)")
        if op.real_only:
            lines.append(f"        check_real({outputs[0]}.dtype)")
        lines += dead_ends(op)
        for item in saved:
            if item.output is not None:
                lines.append(f"        {item.name}_alias = Tensor({item.name})")
        lines.append(
            f"        node = {recorder}(({''.join(item.value(False) + ', ' for item in saved)}), ({edge_list}), "
            f"({''.join(item.version(False) + ', ' for item in held)}), {metadata})"
        )
        lines.append(f"        if grad_mode.tape is not None: node.call = {taken_down(op, inplace=False)}")
        lines.append(f"        return {returned(op, saved, True)}")
    lines.append(f"    return {returned(op, saved, False)}")
    return compiled("run", lines, names)


def shapes_first(check: Check) -> Check:
    """`check` of operands that are broadcast, which torch does before it looks for a kernel."""

    def checked(*operands: Any) -> None:
        try:
            check(*operands)
        except NoKernel:
            broadcast_sizes(*(operand.shape for operand in operands if hasattr(operand, "shape")))
            raise

    return checked


def check_dtype(dtype: Any) -> None:
    """A UserError if a result of `dtype` can have no place in a graph, though one is wanted."""
    if not is_differentiable(dtype):
        raise UserError("autograd", f"Autograd not support dtype: {TYPE_NAMES[dtype.name]}")


def check_real(name: str) -> Callable[[Any], None]:
    def check(dtype: Any) -> None:
        check_dtype(dtype)
        if dtype_kind(dtype) == "c":
            raise UserError(
                "autograd", f"{name} does not support automatic differentiation for outputs with complex dtype."
            )

    return check


def check_inplace_dtype(own: Any, dtype: Any) -> None:
    """A UserError if a tensor that is to be overwritten has another dtype than the one that is asked for."""
    if dtype != own:
        first, second = (INTEGER_NAMES.get(one.name, C_NAMES[one.name]) for one in (own, dtype))
        raise UserError(
            "type", f"Bad in-place call: input tensor dtype {first} and output tensor dtype {second} should match"
        )


def taken_down(op: Op, *, inplace: bool) -> str:
    """What a tape is told of the call, as source."""
    if op.draws:
        return f"grad_mode.tape.drawn({op.name!r}, ({''.join(output + ', ' for output in op.schema.outputs)}))"
    arguments = "".join(f"{parameter.name}, " for parameter in op.schema.parameters)
    version = "self.version[0] + 1" if inplace else "0"
    return f"grad_mode.tape.call({op.name!r}, op, ({arguments}), {version})"


def forward_call(op: Op, tensors: list[Parameter], result: str, arguments: str, inplace: bool) -> list[str]:
    """The forward as source; NumPy's complaint about shapes that do not broadcast is said in torch's words."""
    call = f"forward({arguments})"
    if not op.view:
        call = f"in_reduced(forward, {arguments}) if reduced else {call}"
    lines = [f"    {result} = {call}"]
    if len(tensors) < 2:
        return lines
    if op.promote is not None or op.host_scalars:
        arrays = ", ".join(f"{parameter.name}_array" for parameter in tensors)
        lines += [f"    except ValueError as error: raise explained(error, ({arrays},)) from error"]
    if op.host_scalars and not tensors[0].is_list:
        given = ", ".join(parameter.name for parameter in op.schema.parameters)
        lines += [f"    except TypeError as error: return with_host_scalars(op, error, ({given},), {inplace})"]
    return lines if len(lines) == 1 else [lines[0].replace("    ", "    try: ", 1), *lines[1:]]


def with_host_scalars(op: Op, error: TypeError, given: tuple[Any, ...], inplace: bool) -> Any:
    """`op` of tensors on a device and 0-dim tensors of the host, which torch takes as it takes numbers.

    `error` is what arrays have said of others that are not where they are; it is raised if torch refuses them, too.
    """
    devices = {place: device_of(value.array) for place, value in enumerate(given) if isinstance(value, Tensor)}
    scalars = [place for place, device in devices.items() if device == "cpu" and given[place].ndim == 0]
    (device, *others) = {devices[place] for place in devices if place not in scalars} or {"cpu"}
    if not scalars or others or device == "cpu" or (inplace and 0 in scalars):
        raise error
    if len(scalars) > op.host_scalars:
        raise UserError("device", "Trying to pass too many CPU scalars to non-CPU kernel!")
    moved = [
        on_device(value, device) if place in scalars else value
        for place, value in enumerate(given)
    ]  # fmt: skip
    return (op.inplace if inplace else op.call)(*moved)


def on_device(scalar: Tensor, device: str) -> Tensor:
    """`scalar` on `device`, at the same place of the graph."""
    edge = scalar.edge
    there = None if edge is None else edge if edge is DEAD_END else EdgeToHost(edge)
    return Tensor(to_device(scalar.array, device), there, scalar.version)


def explained(error: ValueError, operands: tuple[Any, ...]) -> Exception:
    """torch's error if the shapes of `operands` do not broadcast, else `error` itself."""
    try:
        broadcast_sizes(*(operand.shape for operand in operands if hasattr(operand, "shape")))
    except UserError as shapes:
        return shapes
    return error


def dead_ends(op: Op) -> list[str]:
    """The source that makes no edge of a dead end."""
    if op.grad_fn == "NotImplemented":
        return []
    return [f"        if {p.name}_edge is DEAD_END: {p.name}_edge = None" for p in op.differentiable if not p.is_list]


def returned(op: Op, saved: list[Saved], recorded: bool) -> str:
    """The result as source: one tensor, a tuple, or a list; views know their base."""
    outputs = op.schema.outputs
    if outputs[0].endswith("[]"):
        edge = "(node, place)" if recorded else "None"
        wrapped = f"View(array, {edge}, self, True)" if op.view else f"Tensor(array, {edge})"
        return f"tuple([{wrapped} for place, array in enumerate(results)])"
    with_version = {item.name for item in saved if item.output is not None}
    parts = []
    for place, output in enumerate(outputs):
        edge = f"(node, {place})" if recorded and output not in op.constant else "None"
        if op.view:
            parts.append(f"View({output}, {edge}, self)")
        elif recorded and output in with_version:
            parts.append(f"Tensor({output}, {edge}, {output}_alias.version)")
        else:
            parts.append(f"Tensor({output}, {edge})" if edge != "None" else f"Tensor({output})")
    if len(parts) == 1:
        return parts[0]
    return f"Result({', '.join(parts)})" if not op.name.startswith("_") else f"({', '.join(parts)})"


def read_tensor(parameter: Parameter, has_edge: bool) -> list[str]:
    """`x_array` and, where it has a gradient, `x_edge` from the argument `x`, which may be no tensor."""
    name = parameter.name
    if parameter.is_list:
        lines = [f"    {name}_array = [None if tensor is None else tensor.array for tensor in {name}]"]
        edges = f"    {name}_edge = [tensor.edge if recording else None for tensor in {name}]"
        return [*lines, edges] if has_edge else lines
    edge = f"{name}_edge = {name}.edge if recording else None"
    plain = [f"{name}_array = {name}.array", *([edge] if has_edge else [])]
    if parameter.type == "Tensor":
        return [f"    {line}" for line in plain]
    other = f"{name}_array = {name}" + (f"; {name}_edge = None" if has_edge else "")
    return [
        f"    {name}_is_tensor = isinstance({name}, Tensor)",
        f"    if {name}_is_tensor: {'; '.join(plain)}",
        f"    else: {other}",
    ]


def promotion(op: Op, tensors: list[Parameter]) -> list[str]:
    """Bring the operands to their common dtype, skipped at once where they have it already."""
    if op.promote is None:
        return []
    operands = [p for p in tensors if not op.operands or p.name in op.operands]
    arrays = [f"{p.name}_array" for p in operands]
    to_float = op.promote == "float"
    if operands[0].is_list:
        return [
            f"    if any(array.dtype is not {arrays[0]}[0].dtype for array in {arrays[0]}): "
            f"{arrays[0]} = promoted({arrays[0]}, {to_float})"
        ]
    first, *others = arrays
    numbers = [p.name for p in op.schema.parameters if p.name in op.operands and not p.is_tensor]
    if numbers:
        lines = [
            f"    if {name} is not None and not keeps_dtype({first}, {name}): {first} = in_dtype_of({first}, {name})"
            for name in numbers
        ]
        as_float = f"    if {first}.dtype.kind not in 'fcV': ({first},) = promoted(({first},), True)"
        return [*lines, as_float] if to_float else lines
    tests = []
    if operands[0].type != "Tensor":
        tests.append(f"not {operands[0].name}_is_tensor")
    for parameter, array in zip(operands[1:], others, strict=True):
        if parameter.type == "Tensor":
            tests.append(f"{array}.dtype is not {first}.dtype")
        elif parameter.type == "Tensor|Scalar":
            tests.append(
                f"({array}.dtype is not {first}.dtype if {parameter.name}_is_tensor "
                f"else not keeps_dtype({first}, {array}))"
            )
        else:
            tests.append(f"({array} is not None and {array}.dtype is not {first}.dtype)")
    if to_float:
        tests.append(f"{first}.dtype.kind not in 'fcV'")
    if not tests:
        return []
    like = f", {tensors[0].name}_array" if tensors[0] is not operands[0] else ""
    return [f"    if {' or '.join(tests)}: {', '.join(arrays)}, = promoted(({', '.join(arrays)},), {to_float}{like})"]

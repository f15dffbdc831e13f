"""Einstein's summation: products of several tensors, summed over the dimensions that an equation names."""

from __future__ import annotations

import math
import string
from collections.abc import Sequence
from typing import Any

from gradcli.engine.tensor import Tensor
from gradcli.errors import UserError
from gradcli.ops.arithmetic import mul
from gradcli.ops.define import composite
from gradcli.ops.linalg import bmm, diagonal
from gradcli.ops.reduce import sum_dim
from gradcli.ops.shape import movedim, permute, reshape, unsqueeze, view

LABELS = string.ascii_uppercase + string.ascii_lowercase


@composite("einsum(str equation, Tensor[] operands)")
def einsum(equation: str, operands: Sequence[Any]) -> Any:
    """Operands permuted to common labels, then contracted from left to right by batched products, as torch does."""
    inputs, output = parse_equation(equation, operands)
    labels = [*output, *sorted({label for names in inputs for label in names} - set(output))]
    aligned = [align(tensor, names, labels) for tensor, names in zip(operands, inputs, strict=True)]
    check_sizes(aligned, labels)
    counts = {dim: sum(tensor.shape[dim] != 1 for tensor in aligned) for dim in range(len(output), len(labels))}
    result = aligned[0]
    for other in aligned[1:]:
        both, left_only, right_only = [], [], []
        for dim in range(len(output), len(labels)):
            if result.shape[dim] != 1 and other.shape[dim] != 1:
                counts[dim] -= 1
                if counts[dim] == 1:
                    both.append(dim)
                    counts[dim] = 0
            elif counts[dim] == 1:
                if result.shape[dim] != 1:
                    left_only.append(dim)
                    counts[dim] = 0
                elif other.shape[dim] != 1:
                    right_only.append(dim)
                    counts[dim] = 0
        result = sum_dim(result, left_only, keepdim=True) if left_only else result
        other = sum_dim(other, right_only, keepdim=True) if right_only else other
        result = contract(result, other, both)
    if len(labels) > len(output):
        if len(aligned) > 1:
            return view(result, result.shape[: len(output)])
        return sum_dim(result, list(range(len(output), len(labels))))
    return result


@composite("einsum.sublists(any operands)")
def einsum_of_sublists(operands: Sequence[Any]) -> Any:
    """The same of `einsum(A, [0, 1], B, [1, 2], [0, 2])`: numbers below 52 and `...` are the labels."""
    count = len(operands) // 2 * 2
    tensors, named = operands[:count:2], operands[1:count:2]
    if not (tensors and all(isinstance(tensor, Tensor) for tensor in tensors)):
        raise UserError(
            "value",
            "einsum(): must specify the equation string and at least one operand, or at least one operand and its "
            "subscripts list",
        )
    equation = ",".join(map(labels_of, named))
    return einsum(equation if count == len(operands) else f"{equation}->{labels_of(operands[-1])}", tensors)


def labels_of(sublist: Any) -> str:
    """The labels that a list of numbers stands for."""
    if not isinstance(sublist, list | tuple):
        raise UserError("type", f"einsum(): expected a subscripts list, but got {type(sublist).__name__}")
    for number in sublist:
        if number is not ... and not (isinstance(number, int) and 0 <= number < len(LABELS)):
            raise UserError("value", "einsum(): subscript in subscript list is not within the valid range [0, 52)")
    return "".join("..." if number is ... else LABELS[number] for number in sublist)


def check_sizes(aligned: Sequence[Any], labels: Sequence[str]) -> None:
    """A UserError if a label stands for two sizes, other than 1."""
    for dim, label in enumerate(labels):
        seen = 1
        for place, tensor in enumerate(aligned):
            size = tensor.shape[dim]
            if size != 1 and seen not in (1, size):
                raise UserError(
                    "shape",
                    f"einsum(): subscript {label} has size {size} for operand {place} which does not broadcast with "
                    f"previously seen size {seen}",
                )
            seen = size if size != 1 else seen


def parse_equation(equation: str, operands: Sequence[Any]) -> tuple[list[list[str]], list[str]]:
    """The labels of each operand and of the result; the dimensions of `...` become labels of their own."""
    text = equation.replace(" ", "")
    left, arrow, right = text.partition("->")
    terms = left.split(",")
    if len(terms) != len(operands):
        more = "more operands were provided than specified in the equation"
        fewer = "fewer operands were provided than specified in the equation"
        raise UserError("value", f"einsum(): {more if len(operands) > len(terms) else fewer}")
    inputs = []
    broadcast = 0
    for place, (term, tensor) in enumerate(zip(terms, operands, strict=True)):
        names = term.replace("...", "")
        for label in names:
            if not (label.isascii() and label.isalpha()):
                raise UserError(
                    "value",
                    f"einsum(): invalid subscript given at index {text.index(label)} in the equation string, "
                    "subscripts must be in [a-zA-Z]",
                )
        hidden = tensor.ndim - len(names)
        if hidden < 0 or (hidden > 0 and "..." not in term):
            raise UserError(
                "shape",
                "einsum(): the number of subscripts in the equation "
                f"({len(names)}) {'is more than' if hidden < 0 else 'does not match'} the number of dimensions "
                f"({tensor.ndim}) for operand {place}{'' if hidden < 0 else ' and no ellipsis was given'}",
            )
        broadcast = max(broadcast, hidden)
        before, _, after = term.partition("...")
        inputs.append([*before, *(f".{n}" for n in range(hidden, 0, -1)), *after])
    dots = [f".{n}" for n in range(broadcast, 0, -1)]
    if not arrow:
        letters = sorted(letter for letter in set(left) if letter.isalpha() and left.count(letter) == 1)
        return inputs, [*dots, *letters]
    before, ellipsis, after = right.partition("...")
    output = [*before, *(dots if ellipsis else []), *after]
    known = {label for names in inputs for label in names}
    for label in output:
        if label not in known:
            raise UserError(
                "value",
                f"einsum(): output subscript {label} does not appear in the equation for any input operand",
            )
        if output.count(label) > 1:
            raise UserError("value", f"einsum(): output subscript {label} appears more than once in the output")
    return inputs, output


def align(tensor: Any, names: Sequence[str], labels: Sequence[str]) -> Any:
    """`tensor` with one dimension a label, in their order: repeated labels are diagonals, missing ones have size 1."""
    names = list(names)
    for label in dict.fromkeys(names):
        while names.count(label) > 1:
            first = names.index(label)
            second = names.index(label, first + 1)
            if tensor.shape[first] != tensor.shape[second]:
                raise UserError(
                    "shape",
                    f"einsum(): subscript {label} is repeated for operand 0 but the sizes don't match, "
                    f"{tensor.shape[second]} != {tensor.shape[first]}",
                )
            tensor = movedim(diagonal(tensor, 0, first, second), -1, first)
            del names[second]
    for label in labels:
        if label not in names:
            tensor = unsqueeze(tensor, tensor.ndim)
            names.append(label)
    return permute(tensor, [names.index(label) for label in labels])


def contract(left: Any, right: Any, summed: Sequence[int]) -> Any:
    """The product of two aligned tensors, summed over the dimensions `summed`, which stay with size 1."""
    if not summed:
        return mul(left, right)
    both: list[int] = []
    left_only: list[int] = []
    right_only: list[int] = []
    for dim in range(left.ndim):
        if dim not in summed:
            wide_left, wide_right = left.shape[dim] != 1, right.shape[dim] != 1
            (both if wide_left and wide_right else left_only if wide_left else right_only).append(dim)
    if left_only and right_only and right_only[-1] < left_only[0]:  # then the product needs no transposition
        left, right, left_only, right_only = right, left, right_only, left_only
    batch = math.prod(left.shape[dim] for dim in both)
    inner = math.prod(left.shape[dim] for dim in summed)
    rows = math.prod(left.shape[dim] for dim in left_only)
    columns = math.prod(right.shape[dim] for dim in right_only)
    order = [*both, *left_only, *summed, *right_only]
    product = bmm(
        reshape(permute(left, order), (batch, rows, inner)),
        reshape(permute(right, [*both, *summed, *right_only, *left_only]), (batch, inner, columns)),
    )
    shape = [
        *(left.shape[dim] for dim in (*both, *left_only)),
        *(1 for _ in summed),
        *(right.shape[dim] for dim in right_only),
    ]
    return permute(view(product, shape), [order.index(dim) for dim in range(left.ndim)])

"""The words of the language, as data: what the reader accepts by name, and the schema tells editors of.

`takes` names a definition of the schema: what may stand after a word.
"""

from __future__ import annotations

from gradcli.engine.dtypes import TYPE_NAMES
from gradcli.record import Record, field

FLOATING = tuple(name for name in TYPE_NAMES if name.startswith(("float", "bfloat")))
DEVICE = "cpu|cuda(?::[0-9]+)?"
NAME = "[A-Za-z_][A-Za-z0-9_]*"
# A name with its parameters; the groups are the two.
SIGNATURE = rf"\s*({NAME})\s*\(\s*((?:{NAME}\s*(?:,\s*{NAME}\s*)*)?)\)\s*"
FORMATS = ("npy", "npz", "safetensors", "csv", "json")
ARCHIVES = ("npz", "safetensors")  # formats with several arrays, by key


class Option(Record):
    """A key with a meaning, under a step word or elsewhere."""

    takes: str
    about: str
    required: bool = False


Options = dict[str, Option]


class Word(Record):
    """A step word. `alone` is what it takes without options; `options` are the keys of a mapping under it."""

    about: str
    example: str
    alone: str | None = None
    options: Options = field(default_factory=dict)


KEYS: Options = {
    "title": Option("text", "What the spec is about, for people."),
    "seed": Option("integer", "The seed of the random stream, as torch.manual_seed takes it; 0 if left out."),
    "dtype": Option("floating", "The default floating dtype; float32 if left out."),
    "device": Option("device", "Where tensors live; cpu if left out."),
    "params": Option("params", "Numbers, truth values, text and lists of them, by name, for every expression."),
    "tensors": Option("tensors", "Tensors by name, made from top to bottom; each is a leaf."),
    "pipeline": Option("pipeline", "The steps, in order."),
    "functions": Option("functions", "Functions of your own, `f(a, b)`, each an expression of its parameters."),
    "matrix": Option("matrix", "Lists of values by name: one run for each combination, the last key fastest."),
}
HEADER = ("seed", "dtype", "device")

TENSOR: Options = {
    "data": Option("data", "A number, a nested list or an expression."),
    "load": Option("load", "A file to read the tensor from, instead of `data`."),
    "requires_grad": Option("boolean", "Whether gradients are computed for it."),
    "dtype": Option("dtype", "The dtype, instead of the one that follows from the data."),
    "device": Option("device", "Where it lives, instead of the spec's device."),
}

FUNCTION: Options = {
    "forward": Option("expression", "The value, from the parameters.", required=True),
    "backward": Option("formulas", "The gradient of each parameter, from the parameters, `grad` and `result`."),
}

EXPECTATION: Options = {
    "equals": Option("value", "The value it must have: a number, a list, an expression or a name."),
    "load": Option("load", "A file with the value it must have."),
    "rtol": Option("number", "The relative tolerance; as torch.testing.assert_close chooses it if left out."),
    "atol": Option("number", "The absolute tolerance; as torch.testing.assert_close chooses it if left out."),
    "finite": Option("true", "It must hold no NaN and no infinity."),
    "nonzero": Option("true", "It must hold something other than zero."),
    "shape": Option("shape", "The sizes it must have."),
}
CHECKS = ("finite", "nonzero", "shape")  # what checks without an expected value
TOLERANCES = ("rtol", "atol")

STEPS: dict[str, Word] = {
    "backward": Word(
        "Go back through the graph and add to `.grad` of every leaf, as loss.backward() does.",
        "backward: loss",
        "expressions",
        {
            "of": Option("expressions", "What to differentiate: one, or a list.", required=True),
            "gradient": Option("value", "What to start from; needed where `of` is no single number."),
            "retain_graph": Option("boolean", "Keep the graph for another backward."),
            "create_graph": Option("boolean", "Record the backward too, so that gradients can be differentiated."),
            "inputs": Option("expressions", "Only these tensors get a gradient."),
        },
    ),
    "zero_grad": Word(
        "Set gradients to zero: of some tensors, or of `all`.",
        "zero_grad: [w, b]",
        "expressions",
        {
            "of": Option("expressions", "The tensors, or `all`.", required=True),
            "set_to_none": Option("boolean", "Set the gradients to None instead."),
        },
    ),
    "no_grad": Word("Steps that are not recorded.", "no_grad: [w -= lr * w.grad]", "steps"),
    "enable_grad": Word("Steps that are recorded, inside `no_grad`.", "enable_grad: [y: x * 2]", "steps"),
    "requires_grad": Word(
        "Turn gradients on or off, as requires_grad_() does.", "requires_grad: {w: false, x: true}", "flags"
    ),
    "retain_grad": Word("Keep the gradient of a tensor that is no leaf.", "retain_grad: [z]", "expressions"),
    "hook": Word(
        "Look at the gradient of a tensor, or replace it, whenever it is computed.",
        "hook: {on: w, as: g, value: 2 * g}",
        None,
        {
            "on": Option("expression", "The tensor whose gradient it is.", required=True),
            "as": Option("name", "The name of the gradient in `value`; grad if left out."),
            "value": Option("formula", "What replaces the gradient. Without it, the gradient is printed."),
        },
    ),
    "repeat": Word(
        "Steps that run several times.",
        "repeat: {times: 100, as: i, steps: [...]}",
        None,
        {
            "times": Option("count", "How often.", required=True),
            "as": Option("name", "A name for the number of the round, from 0."),
            "steps": Option("steps", "What to do each time.", required=True),
        },
    ),
    "while": Word(
        "Steps that run as long as a condition holds.",
        "while: {condition: norm(y) < 1000, at_most: 100, steps: [...]}",
        None,
        {
            "condition": Option("expression", "A single truth value, looked at before each round.", required=True),
            "at_most": Option("count", "It is an error if the condition still holds after this many.", required=True),
            "steps": Option("steps", "What to do each time.", required=True),
        },
    ),
    "print": Word("Print what Python's print shows under PyTorch.", "print: w.grad", "printed"),
    "expect": Word(
        "Compare values with what they must be; the spec goes on if they are not.",
        "expect: {w.grad: [1.0, 2.0], rtol: 1e-5}",
        "expectations",
    ),
    "expect_error": Word(
        "Steps that must fail, with a certain message.",
        "expect_error: {steps: [...], match: second time}",
        None,
        {
            "steps": Option("steps", "What must fail.", required=True),
            "match": Option("text", "A part of the message.", required=True),
        },
    ),
    "claim": Word("Grade gradients derived by hand.", "claim: {w.grad: 2 * x}", "claims"),
    "gradcheck": Word(
        "Compare gradients with difference quotients.",
        "gradcheck: {of: loss, wrt: [w, b], order: 2}",
        None,
        {
            "of": Option("expression", "What is differentiated.", required=True),
            "wrt": Option("expressions", "The tensors it is differentiated by.", required=True),
            "order": Option("order", "Of the derivatives: 1, or 2 for second ones also."),
        },
    ),
}
STEP_WORDS = tuple(STEPS)
RESERVED = (*STEP_WORDS, "all")


def required(options: Options) -> tuple[str, ...]:
    """The keys that cannot be left out."""
    return tuple(name for name, option in options.items() if option.required)

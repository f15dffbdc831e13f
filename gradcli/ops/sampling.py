"""Random numbers whose parameters are tensors, and those that are drawn into a tensor."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gradcli.engine.device import beside, np, to_host
from gradcli.engine.dtypes import dtype_kind
from gradcli.errors import UserError
from gradcli.ops.arithmetic import no_derivative
from gradcli.ops.copies import zeros_like
from gradcli.ops.create import default_generator
from gradcli.ops.define import Op, composite, op
from gradcli.ops.shape import broadcast_sizes, expand_forward, new_zeros
from gradcli.ops.views import in_order, memory_order


def into(self: Any, draw: Callable[[Any, Any], Any]) -> Any:
    """What `draw(shape, dtype)` gives for `self`, drawn in the order of its memory."""
    return in_order(lambda shape: beside(self, draw(shape, self.dtype)), self.shape, memory_order(self.shape, (self,)))


def sampler(schema: str, grad_fn: str, draw: Callable[..., Any], **formulas: Any) -> None:
    """An operation in place that draws every element anew; its gradient is zero."""
    row: Op = op(f"_{schema}", grad_fn, draw, draws=True, self=lambda grad: zeros_like(grad), **formulas)

    @composite(schema)
    def in_place(**given: Any) -> Any:
        """Every element of `self` drawn anew."""
        return row.inplace(**given)


sampler(
    "normal_(Tensor self, float mean=0.0, float std=1.0)", "NormalBackward0",
    lambda self, mean, std: into(
        self,
        lambda shape, dtype: default_generator.normal(mean, std, shape, dtype, self.flags.c_contiguous),
    ),
)  # fmt: skip
sampler(
    "uniform_(Tensor self, float from_=0.0, float to=1.0)", "UniformBackward0",
    lambda self, from_, to: into(self, lambda shape, dtype: default_generator.uniform(shape, from_, to, dtype)),
)  # fmt: skip
sampler(
    "log_normal_(Tensor self, float mean=1.0, float std=2.0)", "LogNormalBackward0",
    lambda self, mean, std: into(self, lambda shape, dtype: default_generator.log_normal(mean, std, shape, dtype)),
)  # fmt: skip
sampler(
    "exponential_(Tensor self, float lambd=1.0)", "ExponentialBackward0",
    lambda self, lambd: into(self, lambda shape, dtype: default_generator.exponential(lambd, shape, dtype)),
)  # fmt: skip
sampler(
    "cauchy_(Tensor self, float median=0.0, float sigma=1.0)", "CauchyBackward0",
    lambda self, median, sigma: into(self, lambda shape, dtype: default_generator.cauchy(median, sigma, shape, dtype)),
)  # fmt: skip
sampler(
    "geometric_(Tensor self, float p)", "GeometricBackward0",
    lambda self, p: into(self, lambda shape, dtype: default_generator.geometric(p, shape, dtype)),
)  # fmt: skip
sampler(
    "random_.from(Tensor self, int from_, int to)", "RandomBackward0",
    lambda self, from_, to: into(self, lambda shape, dtype: default_generator.randint(from_, to, shape, dtype)),
)  # fmt: skip
sampler(
    "random_.to(Tensor self, int to)", "RandomBackward1",
    lambda self, to: into(self, lambda shape, dtype: default_generator.randint(0, to, shape, dtype)),
)  # fmt: skip
sampler("random_(Tensor self)", "RandomBackward2", lambda self: into(self, default_generator.random))
sampler(
    "bernoulli_(Tensor self, float p=0.5)", "BernoulliBackward2",
    lambda self, p: into(self, lambda shape, dtype: default_generator.bernoulli(p, shape, dtype)),
)  # fmt: skip
sampler(
    "bernoulli_.Tensor(Tensor self, Tensor p)", "BernoulliBackward1",
    lambda self, p: bernoulli_with(self, expand_forward(p, self.shape)),
    p=lambda grad, p_shape: new_zeros(grad, p_shape),
)  # fmt: skip


def bernoulli_with(self: Any, p: Any) -> Any:
    order = memory_order(self.shape, (self,))
    p = to_host(p).transpose(order)
    return in_order(lambda shape: beside(self, default_generator.bernoulli(p, shape, self.dtype)), self.shape, order)


bernoulli_p = op(
    "bernoulli.p(Tensor self, float p)", "NotImplemented",
    lambda self, p: beside(self, default_generator.bernoulli(p, self.shape, self.dtype)),
    draws=True,
    self=no_derivative("bernoulli"),
)  # fmt: skip
poisson = op(
    "poisson(Tensor input)", "PoissonBackward0", lambda input: beside(input, default_generator.poisson(to_host(input))),
    draws=True,
    input=lambda grad: zeros_like(grad),
)  # fmt: skip


def binomial_forward(count: Any, prob: Any) -> Any:
    shape = broadcast_sizes(count.shape, prob.shape)
    # torch makes room like `count`, which is laid out anew only where it does not suffice
    order = range(len(shape)) if count.shape == shape else memory_order(shape, (count, prob))
    counts, probabilities = (np.broadcast_to(to_host(array), shape).transpose(order) for array in (count, prob))
    return in_order(lambda _: beside(count, default_generator.binomial(counts, probabilities)), shape, order)


binomial = op(
    "binomial(Tensor count, Tensor prob)", "NotImplemented", binomial_forward,
    draws=True,
    count=no_derivative("binomial"),
    prob=no_derivative("binomial"),
)  # fmt: skip
multinomial = op(
    "multinomial(Tensor self, int num_samples, bool replacement=False)", None,
    lambda self, num_samples, replacement: beside(
        self, default_generator.multinomial(to_host(self), num_samples, replacement)
    ),
)  # fmt: skip
normal_by_mean = op(
    "normal.Tensor_float(Tensor mean, float std=1.0)", "NormalBackward1",
    lambda mean, std: beside(mean, default_generator.normal(0.0, std, mean.shape, mean.dtype)) + mean,
    draws=True, real_only="normal",
    mean=lambda grad, mean_shape: new_zeros(grad, mean_shape),
)  # fmt: skip
normal_by_std = op(
    "normal.float_Tensor(float mean, Tensor std)", "NormalBackward2",
    lambda mean, std: standard_normal(std.shape, std, std.dtype) + mean,
    draws=True, check=lambda std: real_spread(std),
    std=lambda grad, std_shape: new_zeros(grad, std_shape),
)  # fmt: skip
normal_by_both = op(
    "normal.Tensor_Tensor(Tensor mean, Tensor std)", "NormalBackward3",
    lambda mean, std: standard_normal(broadcast_sizes(mean.shape, std.shape), std, mean.dtype) + mean,
    draws=True, real_only="normal", check=lambda mean, std: real_spread(std),
    mean=lambda grad, mean_shape: new_zeros(grad, mean_shape),
    std=lambda grad, std_shape: new_zeros(grad, std_shape),
)  # fmt: skip


def real_spread(std: Any) -> None:
    if dtype_kind(std.dtype) == "c":
        raise UserError("type", "normal expects standard deviation to be non-complex")


def standard_normal(shape: tuple[int, ...], std: Any, dtype: Any) -> Any:
    """Normal numbers around 0 with the standard deviations `std`."""
    if std.size and not std.min().item() >= 0:
        raise UserError("value", "normal expects all elements of std >= 0.0")
    return (beside(std, default_generator.normal(0.0, 1.0, shape, dtype)) * std).astype(dtype)

"""What `torch` has under names that torch.nn.functional has, too, with other arguments: `torch.kl_div`, not `F.kl_div`.

Losses take a number for their reduction, `embedding` the weight first, and the normalisations all statistics by
position.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gradcli.errors import UserError
from gradcli.ops.cross_entropy import bce_with_logits
from gradcli.ops.ctc import ctc_loss
from gradcli.ops.define import Composite, composite
from gradcli.ops.embedding import embedding_row
from gradcli.ops.kinds import check_dense
from gradcli.ops.loss import divergence, poisson_nll_loss
from gradcli.ops.margin_loss import (
    cosine_embedding_loss,
    hinge_embedding_loss,
    ranked,
    triplet_margin_loss,
)
from gradcli.ops.norm import group_norm, instance_norm, layer_norm, normalized
from gradcli.ops.pool import adaptive_max_pool1d

REDUCTIONS = {1: "mean", 2: "sum"}  # any other number is none, as what torch has without one


def with_code(schema: str, row: Any) -> Composite:
    """`row` of torch.nn.functional, as torch has it under `schema`, with a number in the place of a word."""

    @composite(f"torch::{schema}")
    def coded(*, reduction: int = 0, **given: Any) -> Any:
        """As torch.nn.functional has it, but that the reduction is a number: 1 is the mean, 2 the sum, others none."""
        return row(reduction=REDUCTIONS.get(reduction, "none"), **given)

    return coded


with_code(
    "binary_cross_entropy_with_logits(Tensor input, Tensor target, Tensor? weight=None, Tensor? pos_weight=None, "
    "int reduction=0)",
    bce_with_logits,
)
with_code(
    "cosine_embedding_loss(Tensor input1, Tensor input2, Tensor target, float margin=0.0, int reduction=0)",
    cosine_embedding_loss,
)
with_code(
    "ctc_loss(Tensor log_probs, Tensor targets, Tensor|int[] input_lengths, Tensor|int[] target_lengths, int blank=0, "
    "int reduction=0, bool zero_infinity=False)",
    ctc_loss,
)
with_code(
    "hinge_embedding_loss(Tensor input, Tensor target, float margin=1.0, int reduction=0)",
    hinge_embedding_loss,
)
with_code("kl_div(Tensor input, Tensor target, int reduction=0, *, bool log_target=False)", divergence)
with_code(
    "margin_ranking_loss(Tensor input1, Tensor input2, Tensor target, float margin=0.0, int reduction=0)",
    lambda input1, input2, target, margin=0.0, reduction="none": ranked(input1, input2, target, margin, reduction),
)
with_code(
    "poisson_nll_loss(Tensor input, Tensor target, bool log_input, bool full, float eps, int reduction)",
    poisson_nll_loss,
)
with_code(
    "triplet_margin_loss(Tensor anchor, Tensor positive, Tensor negative, float margin=1.0, float p=2.0, "
    "float eps=1e-06, bool swap=False, int reduction=0)",
    triplet_margin_loss,
)


@composite(
    "torch::batch_norm(Tensor input, Tensor? weight, Tensor? bias, Tensor? running_mean, Tensor? running_var, "
    "bool training, float momentum, float eps, bool cudnn_enabled)"
)
def batch_norm_with_cudnn(input: Any, cudnn_enabled: bool, **given: Any) -> Any:
    return normalized(input, **given)


@composite(
    "torch::instance_norm(Tensor input, Tensor? weight, Tensor? bias, Tensor? running_mean, Tensor? running_var, "
    "bool use_input_stats, float momentum, float eps, bool cudnn_enabled)"
)
def instance_norm_with_cudnn(input: Any, cudnn_enabled: bool, **given: Any) -> Any:
    return instance_norm(input, **given)


@composite(
    "torch::layer_norm(Tensor input, int[] normalized_shape, Tensor? weight=None, Tensor? bias=None, float eps=1e-05, "
    "bool cudnn_enable=True)"
)
def layer_norm_with_cudnn(input: Any, normalized_shape: Sequence[int], cudnn_enable: bool = True, **given: Any) -> Any:
    return layer_norm(input, normalized_shape, **given)


@composite(
    "torch::group_norm(Tensor input, int num_groups, Tensor? weight=None, Tensor? bias=None, float eps=1e-05, "
    "bool cudnn_enabled=True)"
)
def group_norm_with_cudnn(input: Any, num_groups: int, cudnn_enabled: bool = True, **given: Any) -> Any:
    return group_norm(input, num_groups, **given)


@composite(
    "torch::embedding(Tensor weight, Tensor indices, int padding_idx=-1, bool scale_grad_by_freq=False, "
    "bool sparse=False)"
)
def rows_of_weight(
    weight: Any, indices: Any, padding_idx: int = -1, scale_grad_by_freq: bool = False, sparse: bool = False
) -> Any:
    """The rows of `weight` that `indices` name; that of `padding_idx` has no gradient."""
    check_dense(sparse)
    if weight.ndim != 2:
        raise UserError("shape", "'weight' must be 2-D")
    return embedding_row(weight, indices, padding_idx, scale_grad_by_freq)


@composite("torch::adaptive_max_pool1d(Tensor input, int[] output_size)")
def adaptive_max_pool1d_and_places(input: Any, output_size: int | Sequence[int]) -> Any:
    """The largest elements of windows that leave `output_size` of them, and their places."""
    return adaptive_max_pool1d(input, output_size, True)

"""Where torch has the functions that a spec calls by their bare names."""

from __future__ import annotations

from gradcli.ops import frontend

# torch.nn.functional has these, and torch either lacks them or means kernels with other signatures
FUNCTIONAL = frozenset({
    "adaptive_avg_pool2d", "adaptive_avg_pool3d", "adaptive_max_pool1d", "adaptive_max_pool1d_with_indices",
    "adaptive_max_pool2d", "adaptive_max_pool2d_with_indices", "adaptive_max_pool3d",
    "adaptive_max_pool3d_with_indices", "affine_grid", "alpha_dropout", "avg_pool2d", "avg_pool3d", "batch_norm",
    "binary_cross_entropy", "binary_cross_entropy_with_logits", "celu", "cosine_embedding_loss", "cross_entropy",
    "ctc_loss", "dropout", "dropout1d", "dropout2d", "dropout3d", "elu", "elu_", "embedding", "embedding_bag",
    "feature_alpha_dropout", "fold", "fractional_max_pool2d", "fractional_max_pool2d_with_indices",
    "fractional_max_pool3d", "fractional_max_pool3d_with_indices", "gaussian_nll_loss", "gelu", "glu", "grid_sample",
    "group_norm", "grouped_mm", "gumbel_softmax", "hardsigmoid", "hardswish", "hardtanh", "hardtanh_",
    "hinge_embedding_loss", "huber_loss", "instance_norm", "interpolate", "kl_div", "l1_loss", "layer_norm",
    "leaky_relu", "leaky_relu_", "linear", "linear_cross_entropy", "local_response_norm", "log_softmax", "logsigmoid",
    "lp_pool1d", "lp_pool2d", "lp_pool3d", "margin_ranking_loss", "max_pool1d", "max_pool1d_with_indices", "max_pool2d",
    "max_pool2d_with_indices", "max_pool3d", "max_pool3d_with_indices", "max_unpool1d", "max_unpool2d", "max_unpool3d",
    "mish", "mse_loss", "multi_head_attention_forward", "multi_margin_loss", "multilabel_margin_loss",
    "multilabel_soft_margin_loss", "nll_loss", "normalize", "one_hot", "pad", "poisson_nll_loss", "relu6", "rms_norm",
    "rrelu", "scaled_dot_product_attention", "selu", "silu", "smooth_l1_loss", "soft_margin_loss", "softmax", "softmin",
    "softplus", "softshrink", "softsign", "tanhshrink", "threshold", "triplet_margin_loss",
    "triplet_margin_with_distance_loss", "unfold", "upsample", "upsample_bilinear", "upsample_nearest",
})  # fmt: skip
OF_BOTH = frozenset({"relu", "sigmoid", "tanh"})  # of one argument the same
LINALG = frozenset({"multi_dot", "vecdot", "vector_norm"})
SPECIAL = frozenset({
    "airy_ai", "bessel_j0", "bessel_j1", "bessel_y0", "bessel_y1", "chebyshev_polynomial_t", "chebyshev_polynomial_u",
    "chebyshev_polynomial_v", "chebyshev_polynomial_w", "entr", "erfcx", "expit", "gammainc", "gammaincc", "gammaln",
    "hermite_polynomial_h", "hermite_polynomial_he", "i0e", "i1", "i1e", "laguerre_polynomial_l",
    "legendre_polynomial_p", "log_ndtr", "modified_bessel_i0", "modified_bessel_i1", "modified_bessel_k0",
    "modified_bessel_k1", "multigammaln", "ndtr", "ndtri", "psi", "scaled_modified_bessel_k0",
    "scaled_modified_bessel_k1", "shifted_chebyshev_polynomial_t", "shifted_chebyshev_polynomial_u",
    "shifted_chebyshev_polynomial_v", "shifted_chebyshev_polynomial_w", "spherical_bessel_j0", "xlog1py", "zeta",
})  # fmt: skip
OUR_OWN = frozenset({"copy", "zero"})


def function_name(written: str, arguments: int = 1) -> str | None:
    """Where torch has the function that a spec calls so; "" if it has only a method of that name, None if neither."""
    rows = frontend.find(written)
    assert rows is not None
    namespace, _, _ = rows[0].name.rpartition("::")
    prefix = next((prefix for prefix in frontend.PREFIXES if written.startswith(prefix)), "")
    bare = written.removeprefix(prefix)
    if namespace == "torch":
        return f"torch.{bare}"
    if namespace:
        return f"torch.{namespace}.{bare}"
    if bare in FUNCTIONAL or (bare in OF_BOTH and (arguments > 1 or prefix.endswith(("F.", "functional.")))):
        return f"F.{bare}"
    if bare == "grad":
        return "torch.autograd.grad"
    for space, known in (("linalg", LINALG), ("special", SPECIAL)):
        if bare in known:
            return f"torch.{space}.{bare}"
    if bare in frontend.ONLY_METHODS:
        return ""
    return None if bare in OUR_OWN else f"torch.{bare}"

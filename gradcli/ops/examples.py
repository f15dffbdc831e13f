"""A spec that shows an operation at work, made from its row: the schema says what to give, the formulas what to print.

Tensors are declared under the names of the parameters, so that the gradients printed read as the formulas do. What
is given depends on the type and the name of a parameter; `GIVEN` has what particular operations want instead.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache

from gradcli.ops.define import Composite, Op, Parameter
from gradcli.ops.frontend import ONLY_METHODS

Given = dict[str, str]
Row = Op | Composite

# what a parameter of that name is: a tensor is declared so, anything else stands in the call
TENSORS: Given = {
    "A": "randn(3, 3)", "B": "randn(3, 2)", "condition": "[true, false, true]", "index": "[[0, 1, 0], [1, 0, 1]]",
    "mask": "[true, false, true]", "n": "[0, 1, 2]", "target": "rand(2, 3)",
}  # fmt: skip
NUMBERS: Given = {
    "axis0": "0", "axis1": "1", "chunks": "2", "col": "3", "dim": "1", "dim0": "0", "dim1": "1", "end": "1",
    "exponent": "2", "fill_value": "0.5", "high": "5", "input": "2", "k": "2", "kernel_size": "2", "low": "0",
    "max": "0.5", "mean": "0.0", "min": "-0.5", "n": "3", "n_fft": "4", "norm_type": "2", "normalized_shape": "(3,)",
    "other": "2", "output_size": "2", "p": "0.5", "q": "0.5", "row": "3", "sections": "2", "self": "2",
    "size": "(2, 3)", "start": "0", "std": "1.0", "steps": "5", "threshold": "0.1", "value": "0.5",
    "window_length": "5", "x": "0.5",
}  # fmt: skip
# never differentiated, though some could be
PLAIN = {"target", "running_mean", "running_var"}
# compositions without a gradient, and what torch has no derivative of
UNDIFFERENTIABLE = frozenset({
    "Tensor::new.data", "Tensor::new.size", "Tensor::resize_", "Tensor::set_", "Tensor::set_.source",
    "Tensor::set_.window", "allclose", "batch_norm_update_stats", "bincount", "bool", "bucketize", "byte", "char",
    "choose_qparams_optimized", "cudnn_is_acceptable", "dense_dim", "detach", "detach_", "dim", "dim_order",
    "element_size", "embedding_renorm_", "empty_like", "equal", "full_like", "geqrf", "get_device", "hash_tensor",
    "histogramdd", "histogramdd.TensorList_bins", "histogramdd.int_bins", "int", "is_complex", "is_conj",
    "is_contiguous", "is_distributed", "is_floating_point", "is_inference", "is_neg", "is_nonzero", "is_pinned",
    "is_same_size", "is_set_to", "is_shared", "is_signed", "isclose", "item", "linalg::ldl_factor",
    "linalg::matrix_rank", "long", "new_empty", "new_empty_strided", "new_full", "new_ones", "new_tensor",
    "new_zeros", "nonzero", "nonzero_static", "numel", "ones_like", "rand_like", "randint_like",
    "randint_like.low_dtype", "randn_like", "resize_as_", "result_type", "searchsorted", "short", "size",
    "sparse_dim", "storage_offset", "stride", "tolist", "type", "typename", "unique", "unique_consecutive", "vander",
    "view.dtype", "view_as_complex_copy", "view_copy.dtype", "zeros_like", "zeta.other_scalar",
})  # fmt: skip
# rows that torch has as methods, their overloads as functions
METHODS = ONLY_METHODS | {"copy", "log_softmax.int", "softmax.int", "split", "zero"}
PREFIXES = {
    "linalg": "linalg.", "special": "special.", "fft": "fft.", "autograd": "torch.autograd.", "torch": "torch.",
}  # fmt: skip
EXTRA = ("a", "b", "c")

# Of operations, what they want in place of that. Besides parameters, `a`, `b` and `c` are tensors that lists name,
# `call` is the whole call, `of` what is differentiated, `steps` the whole pipeline.
GIVEN = """
acosh: self = rand(2, 3) + 1
acos asin atanh log log2 log10 log1p sqrt rsqrt logit erfinv bernoulli lgamma digamma: self = rand(2, 3)
poisson entr ndtri: input = rand(2, 3)
igamma igammac: self = [1, 2, 3]; other = rand(2, 3)
zeta: input = [2, 3, 4]; other = rand(2, 3)
xlogy xlog1py xlogy.Scalar_Self xlog1py.self_scalar zeta.self_scalar: other = rand(2, 3)
xlogy.Scalar_Other xlog1py.other_scalar: self = randn(2, 3)
zeta.other_scalar: input = [2, 3, 4]
float_power.Tensor_Scalar: self = rand(2, 3)
float_power pow.Tensor_Tensor: self = rand(2, 3); exponent = randn(2, 3)
pow.Scalar float_power.Scalar: exponent = randn(2, 3)
Tensor::float_power_: self = rand(2, 3, dtype=float64); exponent = randn(2, 3)
mvlgamma: self = rand(2, 3) + 2; p = 3
imag conj conj_physical conj_physical_ resolve_conj adjoint: self = randn(2, 3, dtype=complex64)
view_as_real view_as_real_copy: self = randn(2, 3, dtype=complex64)
view_as_complex view_as_complex_copy: self = randn(3, 2)
div.Tensor_mode: rounding_mode = 'floor'
round.decimals: decimals = 1
clamp: min = -0.5; max = 0.5
clamp.Tensor: min = [-0.5, 0.0, -1.0]; max = [0.5, 1.0, 0.0]
lerp.Scalar: weight = 0.5
gcd lcm bitwise_and bitwise_or bitwise_xor bitwise_left_shift bitwise_right_shift: self = [[6], [9]]; other = [1, 2, 3]
bitwise_and.Scalar_Tensor bitwise_or.Scalar_Tensor bitwise_xor.Scalar_Tensor: other = [1, 2, 3]
bitwise_left_shift.Scalar_Tensor bitwise_right_shift.Scalar_Tensor: other = [1, 2, 3]
bitwise_not: self = [[1, 2, 3], [4, 5, 6]]
fill.Tensor Tensor::fill_ masked_fill.Tensor: value = randn(())
index_fill: index = [0, 2]
index_fill.Tensor: index = [0, 2]; value = randn(())

# activations
relu.functional: inplace = False
prelu: weight = randn(3)
glu: input = randn(2, 4)
softmax.int log_softmax.int: dim = 1
softmax log_softmax softmin: dim = 1

# shapes
permute permute_copy: dims = (1, 0)
squeeze squeeze.dims squeeze_copy squeeze_copy.dims: self = randn(1, 3); dim = (0, 1)
squeeze.dim squeeze_copy.dim: self = randn(1, 3); dim = 0
squeeze_ unsqueeze_: self = randn(1, 3); dim = 0
squeeze_.dims: self = randn(1, 3); dim = (0, 1)
select select_copy: index = 0
split split_copy unsafe_split: split_size = 2; dim = 1; of = result[0]
split_with_sizes split_with_sizes_copy unsafe_split_with_sizes: split_sizes = [1, 2]; dim = 1; of = result[0]
split.sizes: split_size = [1, 2]; dim = 1; of = result[0]
unbind unbind_copy: of = result[0]
chunk unsafe_chunk: dim = 1; of = result[0]
flip: dims = (0, 1)
roll: shifts = 1; dims = 1
reshape: shape = (3, 2)
view view_copy: size = (3, 2)
view.dtype view_copy.dtype: dtype = int32
expand expand_copy broadcast_to: self = randn(3)
to.other type_as: other = zeros(2, dtype=float64)
expand_as: self = randn(3); other = zeros(2, 3)
copy: call = clone(self).copy_(src)
zero: call = clone(self).zero_()
view_as reshape_as: other = zeros(3, 2)
sum_to_size: size = (1, 3)
narrow narrow_copy: length = 2
movedim: source = 0; destination = 1
unflatten: sizes = (3, 1)
tile repeat: dims = (2, 1); repeats = (2, 1)
repeat_interleave.Tensor: repeats = [1, 2]
repeat_interleave.self_Tensor: repeats = [1, 2]; dim = 0
repeat_interleave.self_int: repeats = 2
combinations cartesian_prod: input = randn(3)
as_strided as_strided_ as_strided_copy: size = (2, 2); stride = (1, 2)
slice_inverse: call = self[:1].slice_inverse(src, 0, 0, 1)
Tensor::resize: call = self.resize(3, 2)
Tensor::resize_as: tensor = zeros(3, 2)
Tensor::resize_: size = (3, 2)
resize_as_: the_template = zeros(3, 2)
Tensor::set_.source: source = randn(3, 2)
Tensor::set_.window: source = randn(3, 2); storage_offset = 1; size = (2, 2)
as_strided_scatter: src = randn(2, 2); size = (2, 2); stride = (1, 2)
Tensor::unfold unfold_copy: dimension = 1; size = 2; step = 1
select_scatter: src = randn(2); index = 0
diagonal_scatter: src = randn(2)
slice_scatter: src = randn(1, 3); end = 1
diag diagflat diag_embed: self = randn(3)
cat stack hstack vstack dstack column_stack: a = randn(2, 3); b = randn(2, 3); tensors = [a, b]
atleast_1d.Sequence atleast_2d.Sequence atleast_3d.Sequence: a = randn(2); tensors = [a, a]; of = result[0]
block_diag: a = randn(2, 3); b = randn(2); call = block_diag(a, b)
broadcast_tensors: a = randn(2, 1); b = ones(3); call = broadcast_tensors(a, b); of = result[0]
meshgrid: a = randn(2); b = ones(3); call = meshgrid(a, b, indexing='ij'); of = result[0]
cartesian_prod: a = randn(2); b = randn(3); call = cartesian_prod(a, b)
tensor_split.sections hsplit vsplit: of = result[0]
dsplit: self = randn(2, 2, 3); sections = 3; of = result[0]
tensor_split.indices: indices = (1, 2); dim = 1; of = result[0]
hsplit.array vsplit.array: indices = [1]; of = result[0]
hsplit: self = randn(2, 4); of = result[0]
dsplit.array: self = randn(2, 2, 3); indices = [1]; of = result[0]
tensor_split.tensor_indices_or_sections: tensor_indices_or_sections = [1]; of = result[0]
pad constant_pad_nd: pad = (1, 2)

# indices
index_put: a = [0, 1]; indices = [a]; values = randn(3)
index_select: index = [0, 2]
index_add index_copy: index = [0, 2]; source = randn(2, 2)
index_reduce: index = [0, 2]; source = rand(2, 2); reduce = 'prod'
scatter scatter_add scatter_reduce: index = [[0], [2]]; src = randn(2, 1); reduce = 'sum'
scatter.reduce scatter.value_reduce: index = [[0], [2]]; src = randn(2, 1); reduce = 'add'
take: index = [0, 5]
take_along_dim: indices = [[0, 1, 0]]; dim = 0
put: index = [0, 5]; source = randn(2)
embedding: input = [0, 2, 1]; weight = randn(3, 2)
embedding_bag: input = [[0, 2], [1, 1]]; weight = randn(3, 2)
one_hot: input = [0, 2, 1]
sort.stable argsort.stable: stable = True
bincount: self = [0, 2, 2, 1]
bucketize: boundaries = [-0.5, 0.0, 0.5]
searchsorted: sorted_sequence = [-0.5, 0.0, 0.5]
isin: elements = [[1, 2, 3], [4, 5, 6]]; test_elements = [2, 4]
quantile nanquantile: q = 0.5
where.nonzero: condition = [true, false, true]
nonzero_static: size = 4
unravel_index: indices = [5, 2]; shape = (2, 3)
segment_reduce: data = randn(5); reduce = 'sum'; lengths = [2, 3]
histogram.bins_tensor: self = randn(5); bins = [-1.0, 0.0, 1.0]
histogramdd: input = randn(4, 2); bins = (2, 3)
histogramdd.int_bins: input = randn(4, 2); bins = 2
histogramdd.TensorList_bins: input = randn(4, 2); a = [-1.0, 0.0, 1.0]; bins = [a, a]

# products
mm: mat2 = randn(3, 2)
mv: vec = randn(3)
dot: self = randn(3); tensor = randn(3)
bmm: self = randn(2, 2, 3); mat2 = randn(2, 3, 2)
addmm: self = randn(2, 2); mat1 = randn(2, 3); mat2 = randn(3, 2)
matmul: other = randn(3, 2)
outer ger: self = randn(2); vec2 = randn(3)
vdot: self = randn(3); other = randn(3)
einsum: a = randn(2, 3); b = randn(3, 2); call = einsum('ij,jk->ik', a, b)
einsum.sublists: a = randn(2, 3); b = randn(3, 2); call = einsum(a, [0, 1], b, [1, 2], [0, 2])
addmv: self = randn(2); mat = randn(2, 3); vec = randn(3)
addr: vec1 = randn(2); vec2 = randn(3)
addbmm: self = randn(2, 2); batch1 = randn(2, 2, 3); batch2 = randn(2, 3, 2)
baddbmm: self = randn(2, 2, 2); batch1 = randn(2, 2, 3); batch2 = randn(2, 3, 2)
tensordot: a = randn(2, 3); b = randn(2, 3)
tensordot.dims: a = randn(2, 3); b = randn(2, 3); dims = ([0], [0])
bilinear: weight = randn(2, 3, 3)
chain_matmul: a = randn(2, 3); b = randn(3, 2); call = chain_matmul(a, b)
multi_dot: a = randn(2, 3); b = randn(3, 2); c = randn(2, 2); tensors = [a, b, c]
grouped_mm: mat_a = randn(2, 3, 4); mat_b = randn(2, 4, 4)
matrix_power: self = randn(3, 3)
linear: weight = randn(2, 3)

# convolutions, pools, images
conv1d conv_transpose1d: input = randn(1, 2, 5); weight = randn(2, 2, 2)
conv2d conv_transpose2d: input = randn(1, 2, 3, 3); weight = randn(2, 2, 2, 2)
conv3d conv_transpose3d: input = randn(1, 1, 3, 3, 3); weight = randn(1, 1, 2, 2, 2)
convolution: input = randn(1, 2, 3, 3); weight = randn(2, 2, 2, 2); bias = randn(2); \
call = convolution(input, weight, bias, [1, 1], [0, 0], [1, 1], False, [0, 0], 1)
mkldnn_convolution: self = randn(1, 2, 3, 3); weight = randn(2, 2, 2, 2); bias = randn(2); \
call = mkldnn_convolution(self, weight, bias, [0, 0], [1, 1], [1, 1], 1)
conv_tbc: input = randn(4, 1, 2); weight = randn(2, 2, 3); bias = randn(3)
max_pool1d_with_indices adaptive_max_pool1d_with_indices: of = result[0]
max_pool2d_with_indices adaptive_max_pool2d_with_indices: input = randn(1, 4, 4); of = result[0]
max_pool3d_with_indices adaptive_max_pool3d_with_indices: input = randn(1, 2, 4, 4); of = result[0]
fractional_max_pool2d_with_indices: input = randn(1, 4, 4); output_size = 2; of = result[0]
fractional_max_pool3d_with_indices: input = randn(1, 2, 4, 4); kernel_size = (1, 2, 2); \
output_size = (1, 2, 2); of = result[0]
max_pool2d avg_pool2d lp_pool2d adaptive_max_pool2d adaptive_avg_pool2d: input = randn(1, 4, 4)
max_pool3d avg_pool3d lp_pool3d adaptive_max_pool3d adaptive_avg_pool3d: input = randn(1, 2, 4, 4)
fractional_max_pool2d: input = randn(1, 4, 4); output_size = 2
fractional_max_pool3d: input = randn(1, 2, 4, 4); kernel_size = (1, 2, 2); output_size = (1, 2, 2)
max_unpool1d: input = randn(1, 2); indices = [[1, 2]]
max_unpool2d: input = randn(1, 2, 2); indices = [[[0, 3], [9, 14]]]
max_unpool3d: input = randn(1, 1, 2, 2); indices = [[[[0, 3], [9, 14]]]]
interpolate upsample upsample_nearest: input = randn(1, 1, 3); size = 5
upsample_bilinear: input = randn(1, 1, 2, 2); size = 3
pixel_shuffle: input = randn(4, 1, 2); upscale_factor = 2
pixel_unshuffle: input = randn(1, 2, 4); downscale_factor = 2
channel_shuffle native_channel_shuffle: input = randn(1, 4, 2); groups = 2
unfold: input = randn(1, 2, 4, 4)
fold: input = randn(1, 4, 4); output_size = (3, 3)
grid_sample: input = randn(1, 1, 3, 3); grid = rand(1, 2, 2, 2); align_corners = False
affine_grid affine_grid_generator: theta = randn(1, 2, 3); size = (1, 1, 2, 2); align_corners = False
grid_sampler grid_sampler_2d: input = randn(1, 1, 3, 3); grid = rand(1, 2, 2, 2); interpolation_mode = 0; \
padding_mode = 0; align_corners = False
grid_sampler_3d: input = randn(1, 1, 3, 3, 3); grid = rand(1, 2, 2, 2, 3); interpolation_mode = 0; padding_mode = 0; \
align_corners = False
dropout1d feature_alpha_dropout: input = randn(1, 3, 2)
feature_dropout feature_dropout_ feature_alpha_dropout_: input = randn(1, 3, 2); p = 0.5; train = True
dropout_ alpha_dropout_: p = 0.5; train = True
frobenius_norm nuclear_norm.dim: dim = (0, 1)
embedding_renorm_: input = randn(4, 3); indices = [0, 2]; max_norm = 1.0
norm_except_dim: v = randn(2, 3)
dropout2d: input = randn(1, 3, 1, 2)
dropout3d: input = randn(1, 2, 4, 4)

# norms, losses, attention
batch_norm: running_mean = zeros(3); running_var = ones(3); training = True
instance_norm: input = randn(2, 2, 3)
group_norm: input = randn(2, 4); num_groups = 2
native_layer_norm: call = native_layer_norm(input, (3,), None, None, 0.00001); of = result[0]
native_batch_norm: call = native_batch_norm(input, None, None, None, None, True, 0.1, 0.00001); \
of = result[0]
native_group_norm: input = randn(2, 4, 3); call = native_group_norm(input, None, None, 2, 4, 3, 2, 0.00001); \
of = result[0]
batch_norm_update_stats: running_mean = zeros(3); running_var = ones(3); momentum = 0.1; \
call = torch.batch_norm_update_stats(input, running_mean, running_var, 0.1)
native_dropout: p = 0.5; train = True; of = result[0]
fake_quantize_per_tensor_affine: scale = 0.1; zero_point = 0; quant_min = -10; quant_max = 10
fake_quantize_per_tensor_affine.tensor_qparams: \
call = fake_quantize_per_tensor_affine(input, tensor(0.1), tensor(0), -10, 10)
fake_quantize_per_channel_affine: a = tensor([0, 1], dtype=int32); \
call = fake_quantize_per_channel_affine(input, tensor([0.1, 0.2]), a, 0, -10, 10)
fused_moving_avg_obs_fake_quant: a = tensor([inf]); b = tensor([-inf]); c = tensor([0], dtype=int32); \
call = fused_moving_avg_obs_fake_quant(self, ones(1), ones(1), a, b, ones(1), c, 0.1, 0, 255, 0)
choose_qparams_optimized: numel = 6; n_bins = 100; ratio = 0.5; bit_width = 2
local_response_norm: input = randn(1, 3, 2); size = 2
renorm: p = 2; maxnorm = 1
nll_loss: target = [0, 2]
cross_entropy: target = [0, 2]
kl_div: reduction = 'batchmean'
torch::cosine_embedding_loss: target = [1, -1]; reduction = 1
torch::hinge_embedding_loss torch::margin_ranking_loss: target = [[1, -1, 1]]; reduction = 1
torch::ctc_loss: log_probs = randn(4, 2, 3); targets = [[1, 2], [1, 1]]; input_lengths = [4, 4]; \
target_lengths = [2, 1]; reduction = 1
torch::poisson_nll_loss: call = torch.poisson_nll_loss(input, target, True, False, 0.00000001, 1)
torch::batch_norm: call = torch.batch_norm(input, None, None, None, None, True, 0.1, 0.00001, False)
torch::instance_norm: input = randn(2, 2, 3); \
call = torch.instance_norm(input, None, None, None, None, True, 0.1, 0.00001, False)
torch::group_norm: input = randn(2, 4); num_groups = 2
torch::embedding: weight = randn(3, 2); indices = [0, 2, 1]
torch::adaptive_max_pool1d: of = result[0]
binary_cross_entropy: input = rand(2, 3)
gaussian_nll_loss: var = rand(2, 3)
cosine_embedding_loss: target = [1, -1]
hinge_embedding_loss soft_margin_loss margin_ranking_loss: target = [[1, -1, 1]]
multi_margin_loss: target = [0, 2]
multilabel_margin_loss: target = [[0, -1, 1], [2, 1, -1]]
ctc_loss: log_probs = randn(4, 2, 3); targets = [[1, 2], [1, 1]]; input_lengths = [4, 4]; target_lengths = [2, 1]
linear_cross_entropy: linear_weight = randn(4, 3); target = [0, 2]
multi_head_attention_forward: query = randn(2, 1, 4); in_proj_weight = randn(12, 4); out_proj_weight = randn(4, 4); \
call = multi_head_attention_forward(query, query, query, 4, 2, in_proj_weight, None, None, None, False, 0.0, \
out_proj_weight, None); of = result[0]
lstm_cell: a = randn(2, 2); hx = [a, a]; w_ih = randn(8, 3); w_hh = randn(8, 2); of = result[0]
gru_cell: hx = randn(2, 2); w_ih = randn(6, 3); w_hh = randn(6, 2)
lstm.input: a = randn(8, 3, dtype=float64); b = randn(1, 2, 2, dtype=float64); c = randn(8, 2, dtype=float64); \
input = randn(3, 2, 3, dtype=float64); \
call = lstm(input, [b, b], [a, c], False, 1, 0.0, False, False, False); of = result[0]
lstm.data: a = randn(8, 3, dtype=float64); b = randn(1, 2, 2, dtype=float64); c = randn(8, 2, dtype=float64); \
data = randn(3, 3, dtype=float64); batch_sizes = [2, 1]; \
call = lstm(data, batch_sizes, [b, b], [a, c], False, 1, 0.0, False, False); of = result[0]
gru.input: a = randn(6, 3); b = randn(1, 2, 2); c = randn(6, 2); \
input = randn(3, 2, 3); call = gru(input, b, [a, c], False, 1, 0.0, False, False, False); of = result[0]
gru.data: a = randn(6, 3); b = randn(1, 2, 2); c = randn(6, 2); \
data = randn(3, 3); batch_sizes = [2, 1]; \
call = gru(data, batch_sizes, b, [a, c], False, 1, 0.0, False, False); of = result[0]
rnn_tanh.input: a = randn(2, 3); b = randn(1, 2, 2); c = randn(2, 2); \
input = randn(3, 2, 3); call = rnn_tanh(input, b, [a, c], False, 1, 0.0, False, False, False); of = result[0]
rnn_tanh.data: a = randn(2, 3); b = randn(1, 2, 2); c = randn(2, 2); \
data = randn(3, 3); batch_sizes = [2, 1]; \
call = rnn_tanh(data, batch_sizes, b, [a, c], False, 1, 0.0, False, False); of = result[0]
rnn_relu.input: a = randn(2, 3); b = randn(1, 2, 2); c = randn(2, 2); \
input = randn(3, 2, 3); call = rnn_relu(input, b, [a, c], False, 1, 0.0, False, False, False); of = result[0]
rnn_relu.data: a = randn(2, 3); b = randn(1, 2, 2); c = randn(2, 2); \
data = randn(3, 3); batch_sizes = [2, 1]; \
call = rnn_relu(data, batch_sizes, b, [a, c], False, 1, 0.0, False, False); of = result[0]
rnn_tanh_cell rnn_relu_cell: hx = randn(2, 2); w_ih = randn(2, 3); w_hh = randn(2, 2)
scaled_dot_product_attention: query = randn(2, 2, 3); key = randn(2, 2, 3); value = randn(2, 2, 3)

# linear algebra
det logdet matrix_exp inverse lu: self = [[2.0, 0.5], [0.5, 1.0]]
slogdet linalg::slogdet: self = randn(3, 3); of = logabsdet
cholesky linalg::cholesky linalg::cholesky_ex: self = [[2.0, 0.5], [0.5, 1.0]]; A = [[2.0, 0.5], [0.5, 1.0]]
lu: self = [[2.0, 0.5], [0.5, 1.0]]; of = result[0]
cholesky_inverse: self = [[2.0, 0.5], [0.5, 1.0]]
cholesky_solve: self = randn(2, 1); input2 = [[2.0, 0.5], [0.5, 1.0]]
linalg::solve_triangular: upper = True
triangular_solve: self = randn(3, 2)
lu_unpack: LU_data = randn(3, 3); LU_pivots = tensor([2, 2, 3], dtype=int32); of = L
linalg::lu_solve: LU = randn(3, 3); pivots = tensor([2, 2, 3], dtype=int32)
lu_solve: self = randn(3, 2); LU_data = randn(3, 3); LU_pivots = tensor([2, 2, 3], dtype=int32)
linalg::ldl_solve: LD = [[2.0, 0.5], [0.5, 1.0]]; pivots = tensor([1, 2], dtype=int32); B = randn(2, 2)
linalg::tensorinv: A = randn(2, 3, 6); ind = 2
linalg::tensorsolve: A = randn(2, 3, 6); B = randn(2, 3)
linalg::householder_product orgqr: input = randn(3, 2); tau = randn(2); self = randn(3, 2); input2 = randn(2)
ormqr: self = randn(3, 2); input2 = randn(2); input3 = randn(3, 2)
svd_lowrank pca_lowrank: q = 2; of = result[1]
lobpcg: A = [[2.0, 0.5, 0.1], [0.5, 1.0, 0.3], [0.1, 0.3, 3.0]]; of = result[0]
vander linalg::vander: x = randn(3)
gradient: of = result[0]
var_mean std_mean: of = result[0]

# signals
stft: self = randn(8); return_complex = True
istft: self = randn(3, 5, dtype=complex64)

# creation and random numbers
tensor as_tensor: data = [[1.5, 2.0], [0.0, -1.0]]
asarray: obj = [[1.5, 2.0], [0.0, -1.0]]
new_tensor: data = [1.5, 2.0]
Tensor::new.data: data = [1.5, 2.0]
Tensor::new.other: self = zeros(2)
range: end = 3; start = 1
linspace: call = linspace(0, 1, 5)
logspace: call = logspace(0, 1, 5)
scalar_tensor: s = 1.5
manual_seed: a = ones(2); steps = torch.manual_seed(1) | print: rand_like(a)
normal.float_Tensor: std = rand(2, 3)
normal.Tensor_Tensor: std = rand(2, 3)
random_.from: from_ = 1; to = 5
random_.to: to = 5
bernoulli_.Tensor: p = rand(2, 3)
multinomial: self = rand(2, 3); num_samples = 2
polar: abs = rand(2, 3)
where: self = randn(2, 3); other = randn(2, 3)

# what is asked of tensors
item is_nonzero: self = randn(())
is_tensor is_storage typename: obj = 0.5
promote_types: type1 = int64; type2 = float32
can_cast: from_ = float64; to = int64
to: dtype = float64
to.device: device = 'cpu'
empty_strided new_empty_strided: size = (2, 3); stride = (1, 2)
empty_permuted: size = (2, 3); physical_layout = (1, 0)
broadcast_shapes: call = broadcast_shapes((2, 1), (3,))
float.number: call = float('inf')
int.number: call = int(2.7)
bool.number: call = bool(0)
finfo: type = float32
iinfo: type = int32
sym_float: call = torch.sym_float(3)
sym_int: call = torch.sym_int(2.7)
sym_sqrt: call = torch.sym_sqrt(2)
sym_not: call = torch.sym_not(True)
sym_ite: call = torch.sym_ite(True, 2, 3)
sym_max: call = torch.sym_max(2, 2.5)
sym_min: call = torch.sym_min(2, 2.5)
sym_sum: call = torch.sym_sum([1, 2, 3])
sym_fresh_size: call = torch.sym_fresh_size(3)
sym_constrain_range: call = torch.sym_constrain_range(3, min=2)
sym_constrain_range_for_size: call = torch.sym_constrain_range_for_size(3, max=4)

# derivatives
grad: a = randn(3); call = grad(exp(a).sum(), a, create_graph=True); of = result[0]
jacobian: a = randn(3); call = jacobian(exp(a), a, create_graph=True)
hessian: a = randn(3); call = hessian(exp(a).sum(), a, create_graph=True)
vjp: a = randn(3); b = randn(3); call = vjp(exp(a), a, b, create_graph=True)
jvp: a = randn(3); b = randn(3); call = jvp(exp(a), a, b, create_graph=True)
hvp: a = randn(3); b = randn(3); call = hvp(exp(a).sum(), a, b, create_graph=True)
backward: a = randn(3, requires_grad=True); steps = exp(a).sum().backward() | print: a.grad
autograd::backward: a = randn(3, requires_grad=True); steps = torch.autograd.backward(exp(a).sum()) | print: a.grad
requires_grad_: a = randn(3); steps = a.requires_grad_() | backward: exp(a).sum() | print: a.grad
retain_grad: a = randn(3, requires_grad=True); steps = b: exp(a) | b.retain_grad() | backward: b.sum() | print: b.grad
"""


@cache
def table_of_arguments() -> dict[str, Given]:
    found = {}
    for line in GIVEN.splitlines():
        names, _, arguments = line.partition(": ")
        if arguments:
            given = dict(one.split(" = ", 1) for one in arguments.split("; "))
            found.update(dict.fromkeys(names.split(), given))
    return found


def given_to(key: str) -> Given:
    """What `GIVEN` has for `max.dim`, or else for `max`."""
    table = table_of_arguments()
    return table.get(key) or table.get(key.partition(".")[0], {})


def example(row: Row) -> str:
    """A spec that calls `row`, prints the result and, where it has one, the gradient of each input."""
    key = row.text.partition("(")[0]
    given = given_to(key)
    if "steps" in given:
        return written({"a": given["a"]}, [], given["steps"].split(" | "))
    tensors = {name: text for name, text in given.items() if name in EXTRA}
    for parameter in row.schema.parameters:
        if is_declared(parameter) and (parameter.required or parameter.name in given):
            tensors[parameter.name] = given.get(parameter.name) or TENSORS.get(parameter.name, "randn(2, 3)")
    call = given["call"] if "call" in given else call_of(row, key, given, tensors)
    tensors = {name: text for name, text in tensors.items() if re.search(rf"\b{name}\b", call)}
    inputs = [name for name in tensors if takes_gradient(row, key, name, tensors[name])]
    return written(tensors, inputs, steps(row, given, call, inputs))


def written(tensors: Given, inputs: list[str], pipeline: Iterable[str]) -> str:
    """The spec, of which `inputs` are to have gradients."""
    lines = [f"  {name}: {declared(text, name in inputs)}" for name, text in tensors.items()]
    return "\n".join([*(["tensors:", *lines] if lines else []), "pipeline:", *(f"  - {step}" for step in pipeline)])


def steps(row: Row, given: Given, call: str, inputs: list[str]) -> Iterator[str]:
    outputs = [output for output in row.schema.outputs if not output.endswith("[]")] or ["result"]
    names = ", ".join(outputs)
    yield f"{names} = {call}" if len(outputs) > 1 else f"{names}: {call}"
    if not inputs:
        yield f"print: {listed(outputs)}"
        return
    of = given.get("of") or next(name for name in outputs if isinstance(row, Composite) or name not in row.constant)
    yield f"print: {listed([*outputs, f'{of}.grad_fn'])}"
    yield f"backward: {{of: {in_flow(of)}, gradient: {in_flow(f'randn_like({of})')}}}"
    yield f"print: {listed([f'{name}.grad' for name in inputs])}"


def listed(texts: list[str]) -> str:
    """One text as it is, several as a list of YAML."""
    return texts[0] if len(texts) == 1 else f"[{', '.join(map(in_flow, texts))}]"


def in_flow(text: str) -> str:
    """`text` as it stands inside of braces."""
    return f'"{text}"' if re.search(r"[][{},]", text) else text


def is_declared(parameter: Parameter) -> bool:
    return parameter.is_tensor and not parameter.is_list


def takes_gradient(row: Row, key: str, name: str, text: str) -> bool:
    """Whether the example asks for the gradient of the tensor `name`: where there is one, and numbers are floating."""
    if name in PLAIN or key in UNDIFFERENTIABLE or not re.search(r"rand\(|randn\(|\d\.", text):
        return False
    if isinstance(row, Composite) or name in EXTRA:
        return True
    return row.grad_fn not in (None, "NotImplemented") and name in [one.name for one in row.differentiable]


def declared(text: str, requires_grad: bool) -> str:
    if not requires_grad:
        return text
    if re.fullmatch(r"randn?\([^()]*\)", text):
        return f"{text[:-1]}, requires_grad=True)"
    return f"{{data: {in_flow(text)}, requires_grad: true}}"


def call_of(row: Row, key: str, given: Given, tensors: Given) -> str:
    """The call: as a method where torch has no such function; tensors by position, anything else by name."""
    space, _, name = row.name.rpartition("::")
    arguments: list[str] = []
    by_name = False
    for parameter in row.schema.parameters:
        if is_declared(parameter):
            value = parameter.name if parameter.name in tensors else None
        else:
            value = given.get(parameter.name) or (NUMBERS.get(parameter.name) if parameter.required else None)
            by_name = by_name or (not parameter.is_list and bool(arguments) and not parameter.name.endswith("_"))
        by_name = by_name or parameter.keyword_only or value is None
        if value is not None:
            arguments.append(f"{parameter.name}={value}" if by_name else value)
    if name.endswith("_"):
        arguments[0] = f"clone({arguments[0]})"
    if space == "Tensor" or {key, name} & METHODS:
        return f"{arguments[0]}.{name}({', '.join(arguments[1:])})"
    return f"{PREFIXES.get(space, '')}{name}({', '.join(arguments)})"

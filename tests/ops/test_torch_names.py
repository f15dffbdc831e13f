"""Every function of torch, its tensors and its namespaces: it is here, or there is a reason why it is not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gradcli.evaluate import ATTRIBUTES
from gradcli.ops import frontend

NAMES: dict[str, list[str]] = json.loads((Path(__file__).parent / "torch_names.json").read_text(encoding="utf-8"))

ABSENT = {
    "tensors are dense": """
        ccol_indices ccol_indices_copy coalesce col_indices col_indices_copy crow_indices crow_indices_copy hsmm hspmm
        indices indices_copy is_coalesced resize_as_sparse_ row_indices row_indices_copy saddmm smm sparse_bsc_tensor
        sparse_bsr_tensor sparse_compressed_tensor sparse_coo_tensor sparse_csc_tensor sparse_csr_tensor sparse_mask
        sparse_resize_ sparse_resize_and_clear_ sspaddmm to_padded_tensor to_sparse to_sparse_bsc to_sparse_bsr
        to_sparse_coo to_sparse_csc to_sparse_csr values values_copy""",
    "numbers are neither quantised nor complex32": """
        chalf choose_qparams_optimized dequantize empty_quantized fbgemm_linear_fp16_weight
        fbgemm_linear_fp16_weight_fp32_activation fbgemm_linear_int8_weight fbgemm_linear_int8_weight_fp32_activation
        fbgemm_linear_quantize_weight fbgemm_pack_gemm_matrix_fp16 fbgemm_pack_quantized_matrix
        fused_moving_avg_obs_fake_quant grouped_mm int_repr q_per_channel_axis q_per_channel_scales
        q_per_channel_zero_points q_scale q_zero_point qscheme quantize_per_channel quantize_per_tensor
        quantize_per_tensor_dynamic quantized_batch_norm quantized_gru quantized_gru_cell quantized_lstm
        quantized_lstm_cell quantized_max_pool1d quantized_max_pool2d quantized_max_pool3d quantized_rnn_relu_cell
        quantized_rnn_tanh_cell scaled_grouped_mm scaled_mm""",
    "storage, and memory that nobody has written": """
        const_data_ptr data_ptr layout new pin_memory record_stream resize resize_ resize_as resize_as_ set_
        share_memory_ storage storage_type untyped_storage""",
    "devices are `cpu` and `cuda`, which a spec names at its top": """
        get_default_device get_device_module ipu is_vulkan_available mtia set_default_device to_mkldnn xpu""",
    "memory shared with other libraries; files are read by `load:`": """
        from_dlpack from_file from_numpy frombuffer load numpy save to_dlpack""",
    "settings of the process; a spec has `seed:` and `dtype:`, and `no_grad:` blocks": """
        are_deterministic_algorithms_enabled get_deterministic_debug_mode get_float32_matmul_precision
        get_num_interop_threads get_num_threads get_rng_state init_num_threads is_anomaly_check_nan_enabled
        is_anomaly_enabled is_deterministic_algorithms_warn_only_enabled is_warn_always_enabled
        prepare_multiprocessing_environment seed set_anomaly_enabled set_default_dtype set_default_tensor_type
        set_deterministic_debug_mode set_float32_matmul_precision set_flush_denormal set_num_interop_threads
        set_num_threads set_printoptions set_rng_state set_warn_always thread_safe_generator
        use_deterministic_algorithms""",
    "the compiler, TorchScript, and overloading in Python": """
        as_subclass assert_int_or_pair boolean_dispatch classproperty compile compiled_with_cxx11_abi fork
        get_file_path handle_torch_function has_torch_function has_torch_function_unary has_torch_function_variadic
        import_ir_module import_ir_module_from_buffer merge_type_from_type_comment module_load Optional parse_ir
        parse_schema parse_type_comment slice_inverse sym_constrain_range sym_constrain_range_for_size sym_float
        sym_fresh_size sym_int sym_ite sym_max sym_min sym_not sym_sqrt sym_sum unify_type_list wait while_loop""",
    "dimensions as objects, of torch's functorch.dim": "index",
    "it answers in uint64, which gradcli does not have": "hash_tensor",
    "functions of Python; a spec has `hook:` for tensors": """
        apply_ map2_ map_ register_hook register_post_accumulate_grad_hook vmap""",
    "conjugates and negatives are computed at once": "is_conj is_neg resolve_conj resolve_neg",
    "kernels of libraries and devices, for their own use": """
        batch_norm_backward_elemt batch_norm_backward_reduce batch_norm_elemt batch_norm_gather_stats
        batch_norm_gather_stats_with_counts batch_norm_stats batch_norm_update_stats cudnn_affine_grid_generator
        cudnn_batch_norm cudnn_convolution cudnn_convolution_add_relu cudnn_convolution_relu
        cudnn_convolution_transpose cudnn_grid_sampler cudnn_is_acceptable miopen_batch_norm miopen_convolution
        miopen_convolution_add_relu miopen_convolution_relu miopen_convolution_transpose miopen_ctc_loss
        miopen_depthwise_convolution miopen_rnn mkldnn_adaptive_avg_pool2d mkldnn_convolution
        mkldnn_linear_backward_weights mkldnn_max_pool2d mkldnn_max_pool3d mkldnn_rnn_layer native_norm
        profiler_allow_cudagraph_cupti_lazy_reinit_cuda12""",
    "precision is what a tensor's dtype says": """
        autocast_decrement_nesting autocast_increment_nesting clear_autocast_cache get_autocast_cpu_dtype
        get_autocast_dtype get_autocast_gpu_dtype get_autocast_ipu_dtype get_autocast_xla_dtype
        is_autocast_cache_enabled is_autocast_cpu_enabled is_autocast_enabled is_autocast_ipu_enabled
        is_autocast_xla_enabled set_autocast_cache_enabled set_autocast_cpu_dtype set_autocast_cpu_enabled
        set_autocast_dtype set_autocast_enabled set_autocast_gpu_dtype set_autocast_ipu_dtype set_autocast_ipu_enabled
        set_autocast_xla_dtype set_autocast_xla_enabled""",
    "torch has removed them: they only say so": "eig lstsq reinforce solve symeig volatile",
}
REASONS = {name: reason for reason, names in ABSENT.items() for name in names.split()}


def is_known(namespace: str, name: str) -> bool:
    if namespace == "attributes":
        return name in ATTRIBUTES
    rows = frontend.find_method(name) if namespace == "torch.Tensor" else frontend.find(f"{namespace}.{name}")
    return bool(rows)


@pytest.mark.parametrize("namespace", NAMES)
def test_what_torch_has_is_here_or_has_a_reason(namespace: str) -> None:
    unexplained = [name for name in NAMES[namespace] if not is_known(namespace, name) and name not in REASONS]
    assert unexplained == []


def test_no_reason_is_given_for_what_is_here() -> None:
    missing = {name for namespace, names in NAMES.items() for name in names if not is_known(namespace, name)}
    assert sorted(set(REASONS) - missing) == []


@pytest.mark.torch
def test_the_names_are_torchs() -> None:
    pytest.importorskip("torch")
    from .make_torch_names import all_names

    assert all_names() == NAMES

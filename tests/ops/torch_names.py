"""What torch offers its users, name by name: it is here, an alias of what is here, or there is a reason why not.

`torch_names.tsv` has a line for each name, which `make_torch_names` writes: the names are torch's, the rest is read
off the rows and off `ABSENT`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from gradcli.evaluate import ATTRIBUTES
from gradcli.ops import frontend
from gradcli.ops.define import Op
from gradcli.ops.describe import parts_of

FILE = Path(__file__).parent / "torch_names.tsv"
HEAD = ("namespace", "name", "here", "recorded as")

ABSENT = {
    "tensors are dense": """
        ccol_indices ccol_indices_copy coalesce col_indices col_indices_copy crow_indices crow_indices_copy hsmm hspmm
        indices indices_copy is_coalesced resize_as_sparse_ row_indices row_indices_copy saddmm smm sparse_bsc_tensor
        sparse_bsr_tensor sparse_compressed_tensor sparse_coo_tensor sparse_csc_tensor sparse_csr_tensor sparse_mask
        sparse_resize_ sparse_resize_and_clear_ sspaddmm to_padded_tensor to_sparse to_sparse_bsc to_sparse_bsr
        to_sparse_coo to_sparse_csc to_sparse_csr values values_copy""",
    "numbers are neither quantised nor packed, and of no kind smaller than float16 and complex64": """
        chalf empty_quantized fbgemm_linear_fp16_weight fbgemm_linear_fp16_weight_fp32_activation
        fbgemm_linear_int8_weight fbgemm_linear_int8_weight_fp32_activation fbgemm_linear_quantize_weight
        fbgemm_pack_gemm_matrix_fp16 fbgemm_pack_quantized_matrix int_repr q_per_channel_axis q_per_channel_scales
        q_per_channel_zero_points q_scale q_zero_point qscheme quantize_per_channel quantize_per_tensor
        quantize_per_tensor_dynamic quantized_batch_norm quantized_gru quantized_gru_cell quantized_lstm
        quantized_lstm_cell quantized_max_pool1d quantized_max_pool2d quantized_max_pool3d quantized_rnn_relu_cell
        quantized_rnn_tanh_cell scaled_grouped_mm scaled_mm""",
    "storage, and memory that nobody has written": """
        const_data_ptr data_ptr pin_memory record_stream share_memory_ storage storage_type untyped_storage""",
    "devices are `cpu` and `cuda`, which a spec names at its top": """
        get_device_module ipu mtia set_default_device to_mkldnn xpu""",
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
        as_subclass assert_int_or_pair boolean_dispatch classproperty compile compiled_with_cxx11_abi fork get_file_path
        handle_torch_function has_torch_function has_torch_function_unary has_torch_function_variadic import_ir_module
        import_ir_module_from_buffer merge_type_from_type_comment module_load Optional parse_ir parse_schema
        parse_type_comment unify_type_list wait while_loop""",
    "dimensions as objects, of torch's functorch.dim": "index",
    "functions of Python; a spec has `hook:` for tensors": """
        apply_ map2_ map_ register_hook register_post_accumulate_grad_hook vmap""",
    "kernels of libraries and devices, for their own use": """
        batch_norm_backward_elemt batch_norm_backward_reduce batch_norm_elemt batch_norm_gather_stats
        batch_norm_gather_stats_with_counts batch_norm_stats cudnn_affine_grid_generator cudnn_batch_norm
        cudnn_convolution cudnn_convolution_add_relu cudnn_convolution_relu cudnn_convolution_transpose
        cudnn_grid_sampler miopen_batch_norm miopen_convolution miopen_convolution_add_relu miopen_convolution_relu
        miopen_convolution_transpose miopen_ctc_loss miopen_depthwise_convolution miopen_rnn mkldnn_adaptive_avg_pool2d
        mkldnn_linear_backward_weights mkldnn_max_pool2d mkldnn_max_pool3d mkldnn_rnn_layer native_norm
        profiler_allow_cudagraph_cupti_lazy_reinit_cuda12""",
    "precision is what a tensor's dtype says": """
        autocast_decrement_nesting autocast_increment_nesting clear_autocast_cache get_autocast_cpu_dtype
        get_autocast_dtype get_autocast_gpu_dtype get_autocast_ipu_dtype get_autocast_xla_dtype
        is_autocast_cache_enabled is_autocast_cpu_enabled is_autocast_enabled is_autocast_ipu_enabled
        is_autocast_xla_enabled set_autocast_cache_enabled set_autocast_cpu_dtype set_autocast_cpu_enabled
        set_autocast_dtype set_autocast_enabled set_autocast_gpu_dtype set_autocast_ipu_dtype set_autocast_ipu_enabled
        set_autocast_xla_dtype set_autocast_xla_enabled""",
    "torch has removed them: they only say so": "eig lstsq matrix_rank reinforce solve symeig volatile",
}
REASONS = {name: reason for reason, names in ABSENT.items() for name in names.split()}


def rows_of(namespace: str, name: str) -> frontend.Rows:
    return (frontend.find_method(name) if namespace == "torch.Tensor" else frontend.find(f"{namespace}.{name}")) or []


def is_known(namespace: str, name: str) -> bool:
    return name in ATTRIBUTES if namespace == "attributes" else bool(rows_of(namespace, name))


def line(namespace: str, name: str, is_of_torch: bool) -> str:
    """The line of a name; `is_of_torch` tells whether torch itself has one such."""
    if not is_known(namespace, name):
        return "\t".join((namespace, name, f"no: {REASONS.get(name, '')}", ""))
    rows = [] if namespace == "attributes" else rows_of(namespace, name)
    own = frontend.ALIAS_NAMES.get(name.removesuffix("_"))
    space = namespace.rpartition(".")[2]
    here = "yes"
    if own is not None:
        here = f"alias of {own}{'_' if name.endswith('_') else ''}"
    elif is_of_torch and space in frontend.NAMESPACES and not any(row.name.startswith(f"{space}::") for row in rows):
        here = f"alias of torch.{name}"
    return "\t".join((namespace, name, here, " ".join(dict.fromkeys(nodes(rows)))))


def nodes(rows: frontend.Rows) -> Iterator[str]:
    """The names of the nodes that a call of these rows may leave in the graph."""
    for row in rows:
        parts = [row] if isinstance(row, Op) else parts_of(row.function)
        yield from (part.grad_fn for part in parts if part.grad_fn)


def names() -> dict[str, list[str]]:
    """Every name that the file has, by its namespace."""
    found: dict[str, list[str]] = {}
    for one in FILE.read_text(encoding="utf-8").splitlines()[1:]:
        space, name, *_ = one.split("\t")
        found.setdefault(space, []).append(name)
    return found


def table(known: dict[str, list[str]]) -> str:
    lines = [line(space, name, name in known["torch"]) for space, listed in known.items() for name in listed]
    return "\n".join(["\t".join(HEAD), *lines]) + "\n"

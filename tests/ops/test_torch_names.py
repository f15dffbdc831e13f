"""Every documented function of torch, its tensors and its namespaces: it is here, or there is a reason why it is not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gradcli.ops import frontend

NAMES: dict[str, list[str]] = json.loads((Path(__file__).parent / "torch_names.json").read_text(encoding="utf-8"))

ABSENT = {
    "tensors are dense": """
        coalesce col_indices col_indices_copy crow_indices crow_indices_copy dense_dim hspmm indices indices_copy
        is_coalesced smm sparse_bsc_tensor sparse_bsr_tensor sparse_compressed_tensor sparse_coo_tensor
        sparse_csc_tensor sparse_csr_tensor sparse_dim sparse_mask sparse_resize_ sparse_resize_and_clear_ sspaddmm
        to_dense to_padded_tensor to_sparse to_sparse_bsc to_sparse_bsr to_sparse_coo to_sparse_csc to_sparse_csr values
        values_copy""",
    "numbers are NumPy's: neither quantised nor bfloat16 nor complex32": """
        bfloat16 chalf dequantize fake_quantize_per_channel_affine fake_quantize_per_tensor_affine grouped_mm int_repr
        q_per_channel_axis q_per_channel_scales q_per_channel_zero_points q_scale q_zero_point qscheme
        quantize_per_channel quantize_per_tensor quantize_per_tensor_dynamic quantized_batch_norm quantized_max_pool1d
        quantized_max_pool2d scaled_grouped_mm scaled_mm""",
    "storage, and memory that nobody has written": """
        const_data_ptr data_ptr empty_permuted empty_strided is_pinned is_set_to is_shared is_storage new_empty_strided
        pin_memory record_stream resize_ resize_as_ set_ share_memory_ storage storage_type untyped_storage""",
    "devices are `cpu` and `cuda`, which a spec names at its top": """
        get_default_device get_device_module ipu mtia set_default_device to_mkldnn xpu""",
    "memory shared with other libraries; files are read by `load:`": """
        asarray from_dlpack from_file from_numpy frombuffer load numpy save to_dlpack""",
    "settings of the process; a spec has `seed:` and `dtype:`, and `no_grad:` blocks": """
        are_deterministic_algorithms_enabled get_default_dtype get_deterministic_debug_mode get_float32_matmul_precision
        get_num_interop_threads get_num_threads get_rng_state init_num_threads initial_seed
        is_deterministic_algorithms_warn_only_enabled is_grad_enabled is_inference is_inference_mode_enabled
        is_warn_always_enabled seed set_default_dtype set_default_tensor_type set_deterministic_debug_mode
        set_float32_matmul_precision set_flush_denormal set_num_interop_threads set_num_threads set_printoptions
        set_rng_state set_warn_always thread_safe_generator use_deterministic_algorithms""",
    "the compiler, TorchScript, and overloading in Python": """
        Optional as_subclass boolean_dispatch compile compiled_with_cxx11_abi fork handle_torch_function
        has_torch_function has_torch_function_unary has_torch_function_variadic import_ir_module
        import_ir_module_from_buffer merge_type_from_type_comment module_load parse_ir parse_schema parse_type_comment
        sym_float sym_int sym_ite sym_max sym_min sym_not sym_sum unify_type_list wait while_loop""",
    "dimensions as objects, of torch's functorch.dim": "index",
    "it answers in uint64, which gradcli does not have": "hash_tensor",
    "functions of Python; a spec has `hook:` for tensors": """
        apply_ map_ register_hook register_post_accumulate_grad_hook vmap""",
    "forms of other operations that the compiler writes, not users": """
        adaptive_max_pool1d_with_indices adaptive_max_pool2d_with_indices adaptive_max_pool3d_with_indices alias_copy
        as_strided_copy detach_copy diagonal_copy expand_copy fractional_max_pool2d_with_indices
        fractional_max_pool3d_with_indices max_pool1d_with_indices max_pool2d_with_indices max_pool3d_with_indices
        narrow_copy native_channel_shuffle permute_copy select_copy slice_copy split_copy split_with_sizes_copy
        squeeze_copy t_copy transpose_copy unbind_copy unfold_copy unsafe_chunk unsafe_split unsqueeze_copy
        view_as_complex_copy view_as_real_copy view_copy""",
    "conjugates and negatives are computed at once": """
        is_conj is_neg resolve_conj resolve_neg""",
}
REASONS = {name: reason for reason, names in ABSENT.items() for name in names.split()}


def is_known(namespace: str, name: str) -> bool:
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
    from .make_torch_names import NAMESPACES, public

    assert {space: public(namespace) for space, namespace in NAMESPACES.items()} == NAMES

"""The samples of what moves tensors to other memory, and of the kernels that torch has for its own layers."""

from __future__ import annotations

STATE = "zeros(1), ones(1), ones(1), zeros(1, dtype=int32)"  # running extremes, scale and level of zero
EACH = "zeros(2), ones(2), ones(2), zeros(2, dtype=int32)"
FRESH = "full((1,), inf), full((1,), -inf), ones(1), zeros(1, dtype=int32)"
OBSERVE, REST = "torch.fused_moving_avg_obs_fake_quant(x.to(dtype=float32)", "ones(1), zeros(1)"
BATCH, ENDS = "stack([sq4, sq4 * 2]).to(dtype=float32)", "offs=tensor([2, 6], dtype=int32)"
CHANNELS = "photo.to(dtype=float32), taps2.to(dtype=float32)"

SMOOTH: dict[str, list[str]] = {
    "Tensor::resize": ["x.resize(3, 2)", "x.t().resize(6) ** 2", "cube.resize(4, 6) * 2", "s.resize(1)"],
    "Tensor::resize_as": ["x.resize_as(cm.detach()) ** 2", "m.t().resize_as(m.detach())", "m.t().resize_as(cube[0].detach().t())", "v.resize_as(y[:1])"],
    "Tensor::new.other": ["x.new(y) * 2", "x.new(other=y.t())"],
}  # fmt: skip

KINKED: dict[str, list[str]] = {
    "Tensor::resize": ["k.resize(6)", "[x.detach().resize(6).zero_(), x]", "c.resize(6).abs()"],
    "Tensor::resize_": ["x.detach().resize_(2, 2)", "k.resize_((3, 2))", "x.detach()[1].resize_(2)", "x.detach().t().resize_(3, 2).stride()", "x.detach().t().resize_(6)",
                        "x.detach().resize_(0, 3)", "(x.detach() * 1).resize_(3, 3)[:2]", "k.resize_(size=())", "x.detach()[0].resize_(6)"],
    "resize_as_": ["torch.resize_as_(x.detach(), zero2)", "k.resize_as_(the_template=v)", "k.resize_as_(k.t()).stride()"],
    "Tensor::set_": ["(x.detach() * 1).set_()", "(x * 1).set_()"],
    "Tensor::set_.source": ["(x * 1).set_(y)", "k.set_(k2)", "k.set_(source=places[1:])", "[k.set_(k2).add_(1), k2]"],
    "Tensor::set_.window": ["x.detach().set_(cube.detach(), 1, (2, 2), (1, 2))", "k.set_(k2, storage_offset=2, size=(2, 2))", "k.set_(k2, 5, ()).stride()"],
    "Tensor::new.data": ["x.new([1, 2])", "k.new([[1.5, 2], [3, 4]])", "mask.new((0, 2.5))", "x.new([])", "c.new([1 + 2j])", "x.new(data=[1], device='cpu')", "k.new(3).shape", "x.new(x.shape).shape"],
    "Tensor::new.size": ["x.new(2, 3).shape", "k.new(2, 0)", "x.new()", "x.new(size=(1, 0), device='cpu')"],
    "Tensor::new.other": ["[k.new(k).add_(1), k]"],
    "slice_inverse": ["torch.slice_inverse(x[:1], y, 0, 0, 1)", "torch.slice_inverse(m[:, :2] * 1, dd[:2, :2] * 1, end=2, dim=1) ** 2", "x[:, 1:].slice_inverse(x, 1, 1)", "k[::2].slice_inverse(k, 0, None, None, 2)", "torch.slice_inverse(c.detach()[:1], cm.detach())"],
    "grouped_mm": [f"F.grouped_mm(blocks.to(dtype=float32), {BATCH})", f"F.grouped_mm(cube.view(6, 4).to(dtype=float32), {BATCH}, {ENDS})", f"F.grouped_mm(cube.view(6, 4).to(dtype=float32), {BATCH}.transpose(1, 2), {ENDS})",
                   "F.grouped_mm(sigs.repeat(2, 1).to(dtype=float32), sigs.repeat(2, 1).to(dtype=float32).t(), offs=tensor([3, 8], dtype=int32))", "F.grouped_mm(blocks.to(dtype=float32), sq4.to(dtype=float32), offs=tensor([1, 4], dtype=int32))",
                   "F.grouped_mm(sq4.to(dtype=float32).t(), sq4.to(dtype=float32), offs=tensor([2, 2, 4], dtype=int32))", f"F.grouped_mm({BATCH}.transpose(1, 2), {BATCH}, out_dtype=float32)", f"F.grouped_mm(blocks.detach().half().repeat(1, 1, 2), {BATCH}.detach().half().repeat(1, 2, 2))",
                   "F.grouped_mm(blocks.detach().to(dtype=float32), blocks.detach().to(dtype=float32).transpose(1, 2)).stride()", f"F.grouped_mm(blocks.to(dtype=float32), {BATCH}).sum()"],
    "mkldnn_convolution": [f"torch.mkldnn_convolution({CHANNELS}, v.to(dtype=float32), (0, 0), (1, 1), (1, 1), 1)", f"torch.mkldnn_convolution({CHANNELS}, None, [1, 0], [2, 1], [1, 2], 1)",
                           "torch.mkldnn_convolution(signal.to(dtype=float32), taps1.to(dtype=float32), bias=None, padding=(1,), stride=(1,), dilation=(1,), groups=1)",
                           "torch.mkldnn_convolution(scan.to(dtype=float32), taps3.to(dtype=float32), None, (0,), (1,), (1,), 1)", "torch.mkldnn_convolution(photo.to(dtype=float32), separate.to(dtype=float32), None, (0, 0), (1, 1), (1, 1), 2)"],
    "batch_norm_update_stats": ["torch.batch_norm_update_stats(photo.detach(), None, None, 0.1)", "[torch.batch_norm_update_stats(photo.detach(), zero2.detach(), ones2.detach(), 0.25), zero2, ones2]", "torch.batch_norm_update_stats(cube, None, None, momentum=0.1)",
                                "[torch.batch_norm_update_stats(cm.real, zero2.detach(), None, 0.25), zero2]", "torch.batch_norm_update_stats(photo.detach().half(), None, None, 0.1)[0]"],
    "dequantize": ["torch.dequantize(k)", "mask.dequantize()", "c.detach().dequantize()", "x.detach().half().dequantize()"],
    "fused_moving_avg_obs_fake_quant": [
        f"{OBSERVE}, ones(1), ones(1), {STATE}, 0.25, 0, 255, 0)", f"{OBSERVE}, ones(1), ones(1), {FRESH}, 0.25, -8, 7, 0) ** 2", f"{OBSERVE}, {REST}, {STATE}, 0.25, 0, 255, 0)", f"{OBSERVE}, zeros(1), ones(1), {STATE}, 0.25, 0, 7, 1)",
        f"{OBSERVE}, ones(1), ones(1), {EACH}, 0.25, 0, 15, 0, per_row_fake_quant=True)", f"{OBSERVE}, ones(1), ones(1), {STATE}, 0.25, -128, 127, 0, False, True)", f"{OBSERVE}, ones(1), ones(1), {STATE}, 0.25, 0, 255, 0, symmetric_quant=True)",
        f"{OBSERVE}.abs() * 1e-4, ones(1), ones(1), {FRESH}, 0.25, 0, 255, 0)", f"{OBSERVE} * 1e-4, ones(1), ones(1), {FRESH}, 0.25, 0, 255, 0)", f"{OBSERVE}[:0], ones(1), ones(1), {STATE}, 0.25, 0, 255, 0)",
        "[torch.fused_moving_avg_obs_fake_quant(v.to(dtype=float32), ones(1), ones(1), ones2.to(dtype=float32).detach()[:1], v.to(dtype=float32).detach().abs()[:1], ones(1), zeros(1), 0.5, 0, 7, 0), v]"],
    "choose_qparams_optimized": ["torch.choose_qparams_optimized(x.to(dtype=float32), 6, 200, 0.16, 4)", "torch.choose_qparams_optimized(sq6.to(dtype=float32), 30, 100, ratio=0.4, bit_width=2)", "torch.choose_qparams_optimized(logits.to(dtype=float32), 12, 50, 0.9, 3)"],
    "cudnn_is_acceptable": ["torch.cudnn_is_acceptable(x)"],
    "is_vulkan_available": ["torch.is_vulkan_available()"],
    "get_default_device": ["torch.zeros(2, device=torch.get_default_device())"],
    "sym_float": ["torch.sym_float(3)", "torch.sym_float(ks)"], "sym_int": ["torch.sym_int(-3.7)", "torch.sym_int(True)"], "sym_sqrt": ["torch.sym_sqrt(2)"], "sym_not": ["[torch.sym_not(0), torch.sym_not(True)]"],
    "sym_ite": ["torch.sym_ite(True, 2, 3)", "torch.sym_ite(x.requires_grad, 2.5, 3.5)"], "sym_max": ["torch.sym_max(5, 4.5)", "torch.sym_max(a=2, b=3)"], "sym_min": ["torch.sym_min(3, 4.5)", "torch.sym_min(2, 3)"],
    "sym_sum": ["torch.sym_sum([1, 2, 3])", "torch.sym_sum(1.5, 2)", "torch.sym_sum([])"], "sym_fresh_size": ["torch.sym_fresh_size(3)"],
    "sym_constrain_range": ["torch.sym_constrain_range(5, min=1, max=6)", "torch.sym_constrain_range(5)"], "sym_constrain_range_for_size": ["torch.sym_constrain_range_for_size(5, max=6)"],
}  # fmt: skip

REFUSED = (
    "x.resize(3, 3)", "x.resize(-1)", "k.resize_as(v)", "(x * 1).resize(6).mul_(2)", "x.resize_(3, 2)", "(x * 2).resize_(6)", "x.resize_as_(v)", "k.resize_(-1)", "x.set_(y)", "k.set_(x)", "(x * 1).set_(y).sum().backward()",
    "k.set_(k2, -1, (2,), (1,))", "x.new(3.5)", "k.new(x)", "x.new(-1)", "x.new(2, dtype=int32)", "torch.slice_inverse(x.detach() * 1, cube.detach())", "torch.slice_inverse(c[:1], c)", "torch.slice_inverse(k[:1], k) + torch.slice_inverse(c, c)",
    *(f"F.grouped_mm({rest})" for rest in (
        f"x, {BATCH}", f"blocks.to(dtype=float32), {BATCH}.int()", f"v4.to(dtype=float32), {BATCH}", f"cube.to(dtype=float32), {BATCH}[:, :3]", f"cube.to(dtype=float32), {BATCH}, {ENDS}", f"cube.to(dtype=float32)[:1], {BATCH}", f"cube.view(6, 4).to(dtype=float32), {BATCH}", "x.to(dtype=float32), x.to(dtype=float32).t()",
        f"cube.view(6, 4).to(dtype=float32), {BATCH}, offs=two", f"cube.view(6, 4).to(dtype=float32), {BATCH}, offs=places.int()", f"cube.view(6, 4).to(dtype=float32), {BATCH}, offs=index.int()", f"blocks.to(dtype=float32), {BATCH}, out_dtype=float16", f"blocks.to(dtype=float32), {BATCH}, bias=v4.to(dtype=float32)",
        f"blocks.to(dtype=float32), {BATCH}, bias=v4.to(dtype=float32).detach()", f"blocks.to(dtype=float32), {BATCH}, offs=v.to(dtype=float32)")),
    f"F.grouped_mm(blocks.to(dtype=float32), {BATCH}).sum().backward()",
    *(f"torch.mkldnn_convolution({rest})" for rest in (
        "photo, taps2, None, (0, 0), (1, 1), (1, 1), 1", f"{CHANNELS}, ones2.to(dtype=float32), (0, 0), (1, 1), (1, 1), 1", f"{CHANNELS}, None, (-1, 0), (1, 1), (1, 1), 1", "scan[0].to(dtype=float32), taps2.to(dtype=float32), None, (0, 0), (1, 1), (1, 1), 1")),
    "torch.batch_norm_update_stats(v, None, None, 0.1)", "torch.batch_norm_update_stats(k, None, None, 0.1)", "torch.batch_norm_update_stats(empty, None, None, 0.1)", "torch.batch_norm_update_stats(x, None, None, 0.1)[0].sum().backward()",
    "x.dequantize().sum().backward()", *(f"torch.fused_moving_avg_obs_fake_quant({rest}" for rest in (
        f"x, ones(1), ones(1), {STATE}, 0.1, 0, 255, 0)", f"x.to(dtype=float32), ones(1), ones(1), {STATE}, 0.1, 0, 255, 2)", f"x.to(dtype=float32), ones(1), ones(1), {EACH}, 0.1, 0, 255, 1, True)", f"x.to(dtype=float32), ones(2), ones(1), {STATE}, 0.1, 0, 255, 0)",
        f"x.to(dtype=float32), ones(1), ones(1), {STATE}, 0.1, 5, 2, 0)", f"x.to(dtype=float32), ones(1), ones(1), {STATE}, 0.1, 0, 255, 0, True)")),
    "torch.choose_qparams_optimized(x.to(dtype=float32), 7, 200, 0.16, 4)", "torch.choose_qparams_optimized(x, 6, 200, 0.16, 4)",
    "torch.sym_sqrt(-1)", "torch.sym_float(1j)", "torch.sym_ite(1, 2, 3)", "torch.sym_ite(True, 2, 3.5)", "torch.sym_int(nan)", "torch.sym_constrain_range(9, min=1, max=6)", "torch.sym_constrain_range_for_size(1, max=2)",
    "torch.sym_constrain_range_for_size(-1)",
)  # fmt: skip

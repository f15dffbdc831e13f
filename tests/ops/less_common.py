"""The samples of operations that few meet, as `samples` has those of the rest."""

from __future__ import annotations

SYMMETRIC = "(sq6 + sq6.T + 5 * diag(arange(6.0))).to(dtype=float64)"  # of eigenvalues far from each other
# until the basis of three blocks spans everything, where the answer does not depend on the tolerance
STEPS = "niter=3, tol=1e-10"
REDUCTIONS = ("sum", "mean", "max", "min", "prod")

SMOOTH: dict[str, list[str]] = {
    "fill_diagonal_": ["clone(x).fill_diagonal_(5)", "clone(m).t().fill_diagonal_(2.5)", "clone(w).repeat(2, 1).fill_diagonal_(2, wrap=True)",
                       "clone(cube)[:, :2, :2].fill_diagonal_(3)", "tanh(clone(w).fill_diagonal_(1, True))"],
    "ormqr": ["torch.ormqr(sides, row[:2] * 0.01, v[:, None])", "torch.ormqr(sides, row[:2] * 0.01, sq3, transpose=True)", "torch.ormqr(sides, row[:2] * 0.01, sq3, left=False)",
              "torch.ormqr(sq3, v * 0.01, x, left=False, transpose=True)", "sqs.ormqr(vs * 0.01, sqs * 2)", "torch.ormqr(cm, c[0, :2] * 0.01, cm)", "torch.ormqr(cm, c[0, :2] * 0.01, c, False)",
              "torch.ormqr(cm, c[0, :2] * 0.01, c, False, True)", "torch.ormqr(cm, c[0, :2] * 0.01, cm, transpose=True)", "torch.ormqr(c, c[0, :2] * 0.01, csides)",
              "torch.ormqr(sides.detach(), row[:2].detach(), sq3)"],
    "svd_lowrank": ["svd_lowrank(sq3.to(dtype=float64), 2, niter=1)[1]", "svd_lowrank(sq3.to(dtype=float64), 2)[0].abs()", "svd_lowrank(tall.to(dtype=float64), 2)[2].abs()", "svd_lowrank(wide.to(dtype=float64), 2, None)[1]",
                    "svd_lowrank(sqs.to(dtype=float64), None)[1]", "svd_lowrank(sq3.to(dtype=float64), q=2, niter=1, M=v[:, None].to(dtype=float64) * 0.1)[1]", "svd_lowrank(tall.to(dtype=float64), 2, 0, v4[:, None].to(dtype=float64))[0].abs()",
                    "svd_lowrank(csq.to(dtype=complex128), 2)[1]", "svd_lowrank(cm.to(dtype=complex128), 2)[2].abs()", "svd_lowrank(c.to(dtype=complex128), 1, 0)[1]"],
    "pca_lowrank": ["pca_lowrank(sq6.to(dtype=float64), 5)[1]", "pca_lowrank(sq3.to(dtype=float64), 2, center=False)[0].abs()", "pca_lowrank(tall.to(dtype=float64))[2].abs()", "pca_lowrank(cube.to(dtype=float64), q=1, niter=1)[1]"],
    "lobpcg": [f"lobpcg({SYMMETRIC}, 2, {STEPS})[0]", f"lobpcg({SYMMETRIC}, 2, {STEPS})[1].abs()", f"lobpcg({SYMMETRIC}, 2, largest=False, method='basic', {STEPS})[0]",
               f"lobpcg({SYMMETRIC}, 2, iK=eye(6, dtype=float64) * 2, method='basic', {STEPS})[1].abs()", f"lobpcg(stack([{SYMMETRIC}, {SYMMETRIC}]), 1, n=2, {STEPS})[0]",
               f"lobpcg({SYMMETRIC}, X=eye(6, 2, dtype=float64) + 0.3, {STEPS})[1].abs()", "lobpcg((sq3 + sq3.T).to(dtype=float64), niter=3, tol=1e-10)[0]"],
    "conj_physical": ["conj_physical(c)", "conj_physical(x) * 2", "c.conj().conj_physical()", "tanh(conj_physical(c))"],
    "conj_physical_": ["clone(c).conj_physical_()", "clone(x).conj_physical_()", "tanh(clone(c).conj_physical_())"],
    "linear_cross_entropy": [
        "F.linear_cross_entropy(x, w, two)", "F.linear_cross_entropy(x, w, two, linear_bias=b5, reduction='sum', label_smoothing=0.1)",
        "F.linear_cross_entropy(v, w, label, linear_bias=b5)", "F.linear_cross_entropy(x, w, y.detach().softmax(1)[:, [0, 1, 2, 0, 1]], reduction='none')",
        "F.linear_cross_entropy(x, cube.permute(2, 0, 1), label2[:, :1].repeat(1, 2))", "F.linear_cross_entropy(x, w, two, ignore_index=1)",
        "F.linear_cross_entropy(x, cube.permute(2, 0, 1), label2, linear_bias=cube[0, 0, :, None].expand(4, 2), weight=v4.abs().detach())"],
}  # fmt: skip

KINKED: dict[str, list[str]] = {
    "range": ["torch.range(1, 4)", "torch.range(1, 4, 0.5)", "torch.range(0, 1, 0.3, dtype=float64)", "torch.range(4, 1, -1)", "torch.range(1, 4.7, dtype=int64)",
              "torch.range(0, 1, 0.1)", "torch.range(-1, 3, dtype=uint8)", "torch.range(start=2, end=3, requires_grad=True)"],
    "nonzero_static": ["torch.nonzero_static(k, size=2)", "k.nonzero_static(size=9, fill_value=7)", "s.nonzero_static(size=2)", "empty.nonzero_static(size=2)"],
    "unravel_index": ["torch.unravel_index(places, (3, 2))", "torch.unravel_index(ks, 20)", "torch.unravel_index(places.int() - 3, shape=(2, 2, 2))",
                      "torch.unravel_index(places[:0], (3, 0))", "torch.unravel_index(zero_index, ())", "torch.unravel_index(index, [4])"],
    "fill_diagonal_": ["k.fill_diagonal_(2.7)", "mask.fill_diagonal_(0)", "empty.detach().fill_diagonal_(1)", "x.detach()[:, ::2].fill_diagonal_(s.detach())"],
    "histogram": ["histogram(x, 4)", "histogram(x.detach())", "histogram(x.detach(), bins=3, range=(-1.0, 3.0), weight=y.detach(), density=True)",
                  "histogram(none.detach(), 3)", "histogram(zero2.detach(), 3)", "histogram(x.detach(), 3, weight=y)", "x.detach().histogram(2, range=(1, 1))"],
    "histogram.bins_tensor": ["histogram(edge, tensor([0.0, 0.5, 2.0], dtype=float64))", "edge.detach().histogram(tensor([0.0, 0.5, 2.0], dtype=float64), density=True)",
                              "histogram(ties.detach(), tensor([3.0, 1.0, 2.0], dtype=float64))", "histogram(special.detach(), tensor([0.0, 1.0, 2.0], dtype=float64))"],
    "histogramdd": ["torch.histogramdd(x.t(), [2, 3])", "torch.histogramdd(x.detach(), [1, 2, 2])"],
    "histogramdd.int_bins": ["torch.histogramdd(x.detach().t(), 3, range=[0.0, 3, 0, 1], density=True)", "torch.histogramdd(x.detach().t(), 3, weight=v.detach())",
                             "torch.histogramdd(cube.detach(), 2)", "torch.histogramdd(none.detach()[:, None], 2)"],
    "histogramdd.TensorList_bins": ["torch.histogramdd(x.t(), [tensor([-2.0, 0.0, 2.0], dtype=float64), tensor([-2.0, 1.0], dtype=float64)])",
                                    "torch.histogramdd(x.t().detach(), [tensor([-2.0, 0.0, 2.0], dtype=float64), tensor([-2.0, 0.5, 2.0], dtype=float64)], weight=v.detach(), density=True)"],
    "segment_reduce": [f"segment_reduce({data}, '{reduce}', {options})" for reduce in REDUCTIONS for data, options in (
                           ("d5", "lengths=tensor([2, 0, 3])"), ("dd", "offsets=tensor([0, 2, 3])"), ("cube", "lengths=tensor([[1, 2], [0, 3]]), axis=1"),
                           ("d5", "lengths=tensor([2, 3]), initial=1.5"), ("ties", "offsets=tensor([1, 2, 5])"), ("bases", "lengths=tensor([2, 3])"),
                           ("special", "lengths=tensor([2, 1, 3])"), ("onezero", "lengths=tensor([0, 3]), initial=2"))]
                      + ["segment_reduce(d5, 'amax', lengths=two, unsafe=True)", "segment_reduce(empty, 'sum', lengths=tensor([0, 0]))",
                         "segment_reduce(d5, 'amin', lengths=tensor([2, 3], dtype=int32))", "segment_reduce(d5, 'sum', lengths=tensor([2, 3]), offsets=tensor([0, 1, 5]))",
                         "segment_reduce(cube.permute(2, 1, 0), 'max', lengths=tensor([1, 3]))"],
    "lobpcg": [f"lobpcg({SYMMETRIC}, 1, B={SYMMETRIC}.detach(), {STEPS})[0]", f"lobpcg({SYMMETRIC}.detach(), 1, B=eye(6, dtype=float64) * 3, {STEPS})[1].abs()",
               "lobpcg((sq6 + sq6.T).detach().to(dtype=float64), 1, niter=1)[0]", "lobpcg((sq6 + sq6.T).detach().to(dtype=float64), 2, niter=2, largest=False)[0]", "lobpcg((sq6 + sq6.T).detach().to(dtype=float64), 1)[0]"],
    "conj_physical": ["k.conj_physical()"],
    "type": ["x.type()", "c.type()", "x.half().type()", "x.type(float64)", "x.type('torch.LongTensor')", "x.type('torch.ComplexFloatTensor')",
             "x.type(dtype='torch.DoubleTensor', non_blocking=True)"],
    "typename": ["torch.typename(x)", "torch.typename(mask)", "torch.typename(3)", "torch.typename('a')", "torch.typename(None)", "torch.typename(float64)",
                 "torch.typename(x.size())", "torch.typename((x * 2).grad_fn)"],
    "dim_order": ["cube.dim_order()", "cube.permute(2, 0, 1).dim_order()", "cube.permute(1, 2, 0).dim_order(ambiguity_check=True)", "s.dim_order()",
                  "cube[:, :1].dim_order()", "cube.expand(5, 2, 3, 4).dim_order()", "row.expand(2, 3).t().dim_order()", "thin.transpose(0, 1).dim_order()"],
    "get_device": ["x.get_device()", "torch.get_device(k)"],
}  # fmt: skip

REFUSED = (
    "x.type('foo')", "x.type('torch.float32')", "thin.dim_order(ambiguity_check=True)", "row.expand(2, 3).dim_order(ambiguity_check=True)",
    "F.linear_cross_entropy(cube, w, two)", "F.linear_cross_entropy(x, v, two)", "F.linear_cross_entropy(x, m, two)", "F.linear_cross_entropy(x, w, two, linear_bias=v)",
    "F.linear_cross_entropy(v, cube.permute(2, 0, 1), label2)", "F.linear_cross_entropy(x, w, y.detach().softmax(1)[:, [0, 1, 2, 0, 1]], ignore_index=1)",

    "pca_lowrank(m, 9)", "pca_lowrank(m, -1)", "pca_lowrank(m, niter=-1)", "svd_lowrank(m, -1)", "svd_lowrank(k, 2)", "lobpcg(sq6, 3)", "lobpcg(x.detach())",
    "lobpcg(sq6, 1, B=sq3)", "lobpcg(sq6, 1, X=v[:, None])", f"lobpcg({SYMMETRIC}, 1, B={SYMMETRIC})[0].sum().backward()", f"lobpcg({SYMMETRIC}.detach(), 1, B=sq6.to(dtype=float64) * 0)",

    "torch.range(1, 4, 0)", "torch.range(4, 1)", "torch.range(0, inf)", "torch.range(1, 4, dtype=torch.bool)", "torch.range(1j, 4)",
    "x.nonzero_static(size=-1)", "torch.unravel_index(x, (3, 2))", "torch.unravel_index(mask, (3, 2))", "torch.unravel_index(places, (-3, 2))",
    "x.fill_diagonal_(1)", "cube.detach().fill_diagonal_(1)", "v.fill_diagonal_(1)", "x.detach().fill_diagonal_(x)", "k.fill_diagonal_(1j)",
    "histogram(edge.detach(), tensor([0.0, 0.5, 2.0]))", "histogram(x, 4, weight=v)", "histogram(x, 0)", "histogram(x, 3, range=(2.0, 1.0))",
    "histogram(x, 3, range=(1.0,))", "histogram(k, 3)", "histogram(special, 3)", "histogram(x, y)", "histogram(x, none)", "histogram(x, lone)",
    "histogram(x, 3, weight=y.float())", "histogram(x, 3, range=(1.0, inf))", "histogram(x, 3)[0].sum().backward()", "torch.histogramdd(x.t(), [v, s.view(1, 1)])",
    "torch.histogramdd(x.t(), [3])", "torch.histogramdd(v, 3)", "torch.histogramdd(x.t(), 3, range=[0.0, 1])", "torch.histogramdd(x.t(), 3, weight=v4)",
    "torch.histogramdd(x, [v])", "torch.histogramdd(x, [1, 0, 1])",
    "torch.ormqr(sq3, v, m[:2])", "torch.ormqr(v, v, x)", "torch.ormqr(sq3, v, v)", "torch.ormqr(sq3, v[:2], sq3)", "torch.ormqr(sq3, v, sq3[None])",
    "torch.ormqr(sq3, v[None], sq3)", "torch.ormqr(sq3, v.float(), sq3)", "torch.ormqr(sq3, v, sq3.float())", "torch.ormqr(k[:, :2], k[0, :2], k)",
    "torch.ormqr(sqs, vs.repeat(2, 1), sqs)", "torch.ormqr(sqs, vs, sqs[:1])",
    "segment_reduce(d5, 'sum')", "segment_reduce(d5, 'foo', lengths=places)", "segment_reduce(d5, 'sum', lengths=places)", "segment_reduce(d5, 'sum', lengths=places - 2)",
    "segment_reduce(d5, 'sum', indices=places)", "segment_reduce(d5, 'sum', lengths=tensor([2.0, 3.0]))", "segment_reduce(d5, 'sum', offsets=v.detach())",
    "segment_reduce(k, 'sum', lengths=tensor([1, 1]))", "segment_reduce(x, 'sum', lengths=two, axis=1)", "segment_reduce(x, 'sum', offsets=two, axis=1)",
    "segment_reduce(d5, 'sum', lengths=label2)", "segment_reduce(d5, 'sum', lengths=tensor([2, 3]), initial=1j)", "segment_reduce(c, 'sum', lengths=tensor([1, 1]))",
    "segment_reduce(d5, 'sum', offsets=tensor([0, 3, 2, 5]))", "segment_reduce(x, 'sum', lengths=two, axis=4)", "segment_reduce(d5, 'sum', lengths=zero_index)",
)  # fmt: skip

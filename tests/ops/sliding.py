"""Samples for what slides over signals, images and scans: convolutions, pooling, and resampling."""

from __future__ import annotations

LINEAR = (
    "conv1d", "conv2d", "conv_transpose2d", "unfold", "fold", "max_pool2d", "max_pool3d", "adaptive_max_pool2d", "adaptive_max_pool3d",
    "fractional_max_pool2d", "fractional_max_pool3d", "max_unpool2d", "max_unpool3d", "avg_pool2d", "avg_pool3d", "adaptive_avg_pool2d",
    "adaptive_avg_pool3d",
)  # fmt: skip

SMOOTH: dict[str, list[str]] = {
    "conv1d": [
        "conv1d(signal, taps1, v)", "conv1d(signal, taps1, stride=2, padding=1, dilation=2)", "conv1d(signal[0], taps1, v)",
        "conv1d(signal, taps1, padding='same')", "conv1d(signal, taps1, padding='valid')", "conv1d(signal[0], taps1, padding='same')",
    ],
    "conv2d": [
        "conv2d(photo, taps2, v)", "conv2d(photo, taps2, None, (2, 1), (1, 0), (1, 2))", "conv2d(photo[0], taps2, v)",
        "conv2d(photo, separate, groups=2)", "conv2d(photo, separate, v4, groups=2, stride=2, padding=2, dilation=2)",
        "conv2d(photo, taps2, padding='same', dilation=(1, 2))", "conv2d(photo, taps2, stride=3)", "conv2d(cphoto, ctaps)",
        "conv2d(cphoto, ctaps, cs[None], 2, 1)", "conv2d(photo, taps2, padding=[1])",
    ],
    "conv3d": ["conv3d(scan, taps3, zero2)", "conv3d(scan[0], taps3, stride=(1, 2, 1), padding=(0, 1, 1))"],
    "conv_transpose1d": [
        "conv_transpose1d(signal, up1, zero2)", "conv_transpose1d(signal, up1, stride=2, padding=1, output_padding=1)",
        "conv_transpose1d(signal[0], up1)", "conv_transpose1d(signal, up1, dilation=3, stride=2, output_padding=2)",
    ],
    "conv_transpose2d": [
        "conv_transpose2d(photo[:, :, :3, :2], up2, v)", "conv_transpose2d(photo[0, :, :2, :2], up2, v, 2, 1, 1)",
        "conv_transpose2d(photo[:, :, 1:, :3], up2[:, :1], None, 2, (1, 0), (0, 1), 2, 2)",
        "conv_transpose2d(cphoto, ctaps[0, :, None], stride=2, padding=1)",
    ],
    "conv_transpose3d": ["conv_transpose3d(scan[:, :, :2, :2], up3, zero2)", "conv_transpose3d(scan[0, :, :2, :2, :2], up3, stride=2)"],
    "unfold": ["unfold(photo, 2)", "unfold(photo, (2, 3), 1, (1, 0), (2, 1))", "unfold(photo[0], 2, dilation=2)", "unfold(cphoto, 2)"],
    "fold": [
        "fold(columns, 4, 2)", "fold(columns[0], (4, 4), 2)", "fold(columns, (6, 6), 2, stride=2)",
        "fold(columns[:, :, :6], (2, 5), kernel_size=(2, 2), dilation=(1, 3), padding=(1, 0))",
    ],
    "max_pool1d": [
        "max_pool1d(dsignal, 2)", "max_pool1d(dsignal[0], 3, 1, 1, return_indices=True)", "max_pool1d(dsignal, 2, 3, 1, 1, True)",
        "max_pool1d(dsignal, 2, 1, 1, 3)",
    ],
    "max_pool2d": [
        "max_pool2d(dphoto, 2)", "max_pool2d(dphoto[0], (2, 3), 1, (1, 0), (1, 1), return_indices=True)[0]",
        "max_pool2d(dphoto, 2, 3, 1, ceil_mode=True)", "max_pool2d(dphoto, 2, 1, 1, 2)", "F.max_pool2d(dphoto, kernel_size=2, stride=[])",
    ],
    "max_pool3d": ["max_pool3d(dscan, 2)", "max_pool3d(dscan[0], (1, 2, 2), 1, (0, 1, 1), 1, return_indices=True)[0]"],
    "adaptive_max_pool1d": ["adaptive_max_pool1d(dsignal, 3)", "adaptive_max_pool1d(dsignal[0], [2], return_indices=True)"],
    "adaptive_max_pool2d": ["adaptive_max_pool2d(dphoto, 3)", "adaptive_max_pool2d(dphoto, (None, 2))", "adaptive_max_pool2d(dphoto[0], (1, 5))"],
    "adaptive_max_pool3d": ["adaptive_max_pool3d(dscan, 2)", "adaptive_max_pool3d(dscan[0], (1, 2, None), True)[0]"],
    "fractional_max_pool2d": [
        "fractional_max_pool2d(dphoto, 2, output_size=(1, 2), _random_samples=probs[:2, :2][None].detach())",
        "fractional_max_pool2d(dphoto[0], 2, 3, _random_samples=probs[:2, :2][None].detach())",
    ],
    "fractional_max_pool3d": ["fractional_max_pool3d(dscan, 1, 2, None, False, probs[:1, :3][None].detach())"],
    "max_unpool1d": [
        "max_unpool1d(signal[:, :, :3], tensor([[[0, 3, 4], [1, 2, 5]]]), 2)",
        "max_unpool1d(signal[0, :, :2], tensor([[0, 4], [1, 2]]), 2, output_size=(5,))",
    ],
    "max_unpool2d": [
        "max_unpool2d(photo[:, :, :2, :2], max_pool2d(dphoto.detach(), 2, return_indices=True)[1], 2)",
        "max_unpool2d(photo[0, :, :2, :2], tensor([[[0, 1], [2, 3]], [[8, 7], [6, 5]]]), 2, 3, 1)",
        "max_unpool2d(photo[:, :, :1, :2], tensor([[[[0, 9]], [[7, 5]]]]), (2, 3), output_size=(1, 2, 2, 5))",
    ],
    "max_unpool3d": ["max_unpool3d(scan[:, :, :1, :2, :2], arange(4).view(1, 1, 1, 2, 2) * 3, (1, 2, 2))"],
    "avg_pool1d": [
        "avg_pool1d(signal, 2)", "avg_pool1d(signal[0], 3, 2, 1)", "avg_pool1d(signal, 2, 3, 1, True)",
        "avg_pool1d(signal, 2, 3, 1, True, False)",
    ],
    "avg_pool2d": [
        "avg_pool2d(photo, 2)", "avg_pool2d(photo[0], (2, 3), 1, (1, 0))", "avg_pool2d(photo, 3, 2, 1, True)",
        "avg_pool2d(photo, 3, 2, 1, True, False)", "avg_pool2d(photo, 2, 1, 1, divisor_override=3)",
    ],
    "avg_pool3d": ["avg_pool3d(scan, 2)", "avg_pool3d(scan[0], (1, 2, 2), (1, 1, 2), (0, 1, 1), True, False)",
                   "avg_pool3d(scan, 2, 2, 1, divisor_override=-2)"],
    "adaptive_avg_pool1d": ["adaptive_avg_pool1d(signal, 3)", "adaptive_avg_pool1d(signal[0], [1])"],
    "adaptive_avg_pool2d": [
        "adaptive_avg_pool2d(photo, 3)", "adaptive_avg_pool2d(photo, (None, 2))", "adaptive_avg_pool2d(photo[0], (1, 5))",
        "adaptive_avg_pool2d(photo, 1)",
    ],
    "adaptive_avg_pool3d": ["adaptive_avg_pool3d(scan, 2)", "adaptive_avg_pool3d(scan[0], (1, 2, None))", "adaptive_avg_pool3d(scan, 1)"],
    "lp_pool1d": ["lp_pool1d(signal, 2, 2)", "lp_pool1d(signal[0], 4.0, 2, 1)", "lp_pool1d(signal, 2, 3, ceil_mode=True)"],
    "lp_pool2d": ["lp_pool2d(photo, 2, 2)", "lp_pool2d(photo.abs(), 1.5, (2, 3), 1)", "lp_pool2d(dphoto, inf, 2)"],
    "lp_pool3d": ["lp_pool3d(scan, 2, 2)", "lp_pool3d(scan[0], 4, (1, 2, 2), 1, True)"],
}  # fmt: skip

KINKED: dict[str, list[str]] = {
    "conv1d": ["conv1d(k[None], k2[:, :, None].expand(2, 3, 1))", "conv1d(signal.half(), taps1.half(), v.half())"],
    "conv2d": ["conv2d(kphoto, kphoto[:, :, :2, :2])", "conv2d(photo[:0].detach(), taps2.detach(), v.detach())"],
    "conv_transpose2d": ["conv_transpose2d(kphoto, kphoto[0, :, None, :2, :2])"],
    "unfold": ["unfold(photo.detach()[:0], 2)", "unfold(photo > 0, 2)"],
    "fold": ["fold(columns.detach()[:0], 4, 2)", "fold(columns > 0, 4, 2)"],
    "max_pool1d": [
        "max_pool1d(ties[None], 3, 1, return_indices=True)", "max_pool1d(special[None], 3, 1, return_indices=True)",
        "max_pool1d(special.detach()[None], 3, 1)",
    ],
    "max_pool2d": [
        "max_pool2d(kphoto, 2, 1, 1, return_indices=True)", "max_pool2d(kphoto.to(uint8), 2)", "max_pool2d(photo.detach()[:0], 2)",
        "max_pool2d((photo * 0 - inf).detach(), 2, 1, 1, return_indices=True)", "max_pool2d(dphoto.half(), 2, return_indices=True)",
    ],
    "max_pool3d": ["max_pool3d(kphoto, 2, 1, return_indices=True)"],
    "adaptive_max_pool2d": ["adaptive_max_pool2d(dphoto.detach(), 0)", "adaptive_max_pool2d(special[None, None], (1, 2), True)"],
    "fractional_max_pool2d": [
        "fractional_max_pool2d(dphoto, 2, 3, return_indices=True)", "fractional_max_pool2d(dphoto, 2, 2)[0, 0, 0] * rand(2, dtype=float64)",
        "fractional_max_pool2d(dphoto.half(), 2, 2)", "fractional_max_pool2d(dphoto[0], (2, 1), output_ratio=(0.5, 0.75))",
        "fractional_max_pool2d(photo, 2, 2, _random_samples=cube[:, :2, :2])",
    ],
    "fractional_max_pool3d": ["fractional_max_pool3d(dscan[0], 1, output_ratio=0.5)", "fractional_max_pool3d(dscan, 1, 2)",
                              "fractional_max_pool3d(dscan, (1, 2, 2), (2, 1, 1), return_indices=True)"],
    "max_unpool2d": ["max_unpool2d(photo.detach()[0, :, :2, :2], zeros(2, 2, 2, dtype=int64), 2)"],
    "avg_pool1d": ["avg_pool1d(k - 3, 2, 1)"],
    "avg_pool2d": ["avg_pool2d(kphoto, 2)", "avg_pool2d(photo.half(), 2, 1)", "avg_pool2d(special.view(1, 2, 3), (1, 2), 1, (0, 1))"],
    "avg_pool3d": ["avg_pool3d(kphoto, 2)"],
    "adaptive_avg_pool2d": ["adaptive_avg_pool2d(photo.detach(), 0)", "adaptive_avg_pool2d(photo.half(), 3)", "adaptive_avg_pool2d(cphoto, 1)"],
    "lp_pool1d": ["lp_pool1d(dsignal, -inf, 2)", "lp_pool1d(signal, 3, 2)"],
    "lp_pool2d": ["lp_pool2d(photo * 0, 2, 2)", "lp_pool2d(kphoto, 2, 2)"],
}  # fmt: skip

FROM_FUNCTIONAL = (
    "unfold", "fold", "max_pool1d", "max_pool2d", "max_pool3d", "adaptive_max_pool1d", "adaptive_max_pool2d", "adaptive_max_pool3d",
    "fractional_max_pool2d", "fractional_max_pool3d", "max_unpool1d", "max_unpool2d", "max_unpool3d", "avg_pool1d", "avg_pool2d",
    "avg_pool3d", "adaptive_avg_pool1d", "adaptive_avg_pool2d", "adaptive_avg_pool3d", "lp_pool1d", "lp_pool2d", "lp_pool3d",
)  # fmt: skip

DTYPES = (
    "conv1d(a[None, None], a[None, None])",
    "conv_transpose1d(a[None, None], a[None, None])",
    "unfold(a[None, None, None], 1)",
)

REFUSED = (
    "conv2d(x, taps2)", "conv2d(photo, taps3)", "conv2d(photo, taps2[:, :1])", "conv2d(photo[:, :, :1], taps2)", "conv2d(photo, taps2, zero2)",
    "conv2d(photo, taps2, stride=0)", "conv2d(photo, taps2, stride=(1, 2, 3))", "conv2d(photo, taps2, padding=-1)",
    "conv2d(photo, taps2, dilation=0)", "conv2d(photo, taps2, padding='same', stride=2)", "conv2d(photo, taps2, padding='bad')",
    "conv2d(photo, taps2, groups=3)", "conv2d(photo, taps2, groups=2)", "conv2d(photo, taps2, groups=0)", "conv2d(photo, taps2.float())",
    "conv2d(photo, taps2, v.float())", "conv2d(photo > 0, taps2 > 0)", "conv2d(photo, taps2[:0])", "conv2d(photo, taps2[:, :, :0])",
    "conv1d(signal, taps1, dilation=0)", "conv1d(signal, taps1, dilation=5)", "conv2d(cphoto, ctaps.real)", "conv2d(photo, ctaps)",
    "conv_transpose2d(photo, taps2)", "conv_transpose2d(photo, up2, output_padding=1)", "conv_transpose2d(photo, up2, output_padding=-1)",
    "conv_transpose2d(photo, up2, zero2)", "conv_transpose2d(photo, up2, padding=5)", "conv_transpose3d(scan, up3, dilation=0)",
    "unfold(x, 2)", "unfold(photo, 5)", "unfold(photo, 2, padding=-1)", "unfold(photo, 2, stride=0)", "unfold(photo, (2, 2, 2))",
    "unfold(kphoto, 2)", "unfold(photo[:, :0], 2)", "fold(columns, 4, 3)", "fold(columns, 4, 2, stride=2)", "fold(v, 4, 2)",
    "fold(columns.long(), 4, 2)", "fold(columns, (0, 4), 2)",
    *(f"max_pool1d(signal, {rest})" for rest in ("2, padding=2", "2, padding=-1", "0", "2, 0", "2, dilation=0", "7", "(2, 2)", "2, -1")),
    *(f"max_pool2d(photo, {rest})" for rest in ("2, padding=2", "2, padding=-1", "0", "2, 0", "2, dilation=0", "7", "(2, 2, 2)", "2, -1",
                                                "2, (1, 2, 3)", "2, padding=(1, 1, 1)", "2, dilation=(1, 1, 1)", "-2, 1")),
    *(f"max_pool3d(scan, {rest})" for rest in ("7", "2, padding=2", "0", "(2, 2)", "2, dilation=0", "2, -1")),
    *(f"avg_pool2d(photo, {rest})" for rest in ("2, padding=2", "2, padding=-1", "0", "2, 0", "7", "(2, 2, 2)", "2, -1", "2, (1, 2, 3)",
                                                "2, divisor_override=0", "2, padding=(1, 1, 1)")),
    "max_pool1d(v, 2)", "max_pool2d(x, 2)", "max_pool3d(cube, 2)", "max_pool2d(photo[:, :0], 2)", "max_pool3d(scan[:, :0], 2)",
    "max_pool1d(signal[:, :0], 2)", "avg_pool1d(v, 2)", "avg_pool2d(x, 2)", "avg_pool3d(cube, 2)", "avg_pool3d(scan, 7)", "avg_pool3d(scan, (2, 2))",
    "avg_pool1d(signal, 7)", "avg_pool1d(signal, (2, 2))", "avg_pool1d(signal, 2, -1)", "avg_pool2d(photo[:, :, :0], 2)",
    "adaptive_avg_pool1d(v, 2)", "adaptive_avg_pool1d(signal, (3, 2))", "adaptive_avg_pool1d(signal, -1)", "adaptive_avg_pool2d(x, 2)",
    "adaptive_avg_pool2d(photo, (3,))", "adaptive_avg_pool2d(photo, (1, 2, 3, 4))", "adaptive_avg_pool2d(photo, -1)",
    "adaptive_avg_pool2d(photo[:, :, :0], 2)", "adaptive_avg_pool3d(cube, 2)", "adaptive_avg_pool3d(scan, (1, 2))", "adaptive_avg_pool3d(scan, -1)",
    "adaptive_max_pool1d(v, 2)", "adaptive_max_pool1d(signal, (3, 2))", "adaptive_max_pool1d(signal, -1)", "adaptive_max_pool2d(x, 2)",
    "adaptive_max_pool2d(photo, (3,))", "adaptive_max_pool2d(photo, -1)", "adaptive_max_pool2d(photo[:, :0], 2)", "adaptive_max_pool3d(scan, (1, 2))",
    "lp_pool2d(photo, 0, 2)", "fractional_max_pool2d(photo, 2)", "fractional_max_pool2d(photo, 2, output_ratio=(0.5, 0.5, 0.5))",
    "fractional_max_pool2d(photo, 2, 4)", "fractional_max_pool3d(scan, 2, 2)", "fractional_max_pool2d(x, 2, 2)", "fractional_max_pool2d(photo, (2, 2, 2), 2)",
    "fractional_max_pool2d(photo, 2, (2, 2, 2))", "fractional_max_pool2d(photo[:, :0], 2, 1)", "fractional_max_pool3d(scan, 2)",
    *(f"fractional_max_pool2d(photo, 2, 2, _random_samples={samples})" for samples in (
        "cube2", "x.detach()", "cube2.detach().float()", "cube2.detach()[:0, :2]", "cube2.detach()", "cube.detach()[:, :2]",
    )),
    "max_unpool1d(signal, tensor([[[0, 1, 2, 3, 20], [0, 1, 2, 3, 4]]]), 2)", "max_unpool1d(x, index - 1, 2)", "max_unpool1d(x, index.int(), 2)",
    "max_unpool1d(x, index[:1], 2)", "max_unpool1d(x, index, 2, output_size=(9,))", "max_unpool1d(x, index, 2, output_size=(9, 9))",
    "max_unpool1d(v, places, 2)", "max_unpool2d(x, index, 2)", "max_unpool1d(x, index, 1, padding=3)", "max_unpool3d(cube[None], cube[None].long(), 2, 0)",
    "max_unpool2d(cube[:, :0], cube[:, :0].long(), 2)", "max_unpool1d(k, index, 2)",
)  # fmt: skip

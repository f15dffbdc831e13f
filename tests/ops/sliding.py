"""Samples for what slides over signals, images and scans: convolutions, pooling, and resampling."""

from __future__ import annotations

LINEAR = (
    "conv1d", "conv2d", "conv_transpose2d", "conv_tbc", "unfold", "fold", "max_pool2d", "max_pool3d", "adaptive_max_pool2d", "adaptive_max_pool3d",
    "fractional_max_pool2d", "fractional_max_pool3d", "max_unpool2d", "max_unpool3d", "avg_pool2d", "avg_pool3d", "adaptive_avg_pool2d",
    "adaptive_avg_pool3d", "interpolate", "affine_grid",
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
    "conv_tbc": [
        "conv_tbc(cube2, n[:2, :, None].expand(2, 2, 3), v)", "conv_tbc(cube2, n[:3, :, None].expand(3, 2, 3), v, 2)",
        "conv_tbc(cube2, up1, zero2, pad=1)",
    ],
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
    "interpolate": [
        "interpolate(signal, 8)", "interpolate(signal, scale_factor=1.7)", "interpolate(signal, 3, mode='nearest-exact')",
        "interpolate(signal, 8, mode='linear')", "interpolate(signal, 7, mode='linear', align_corners=True)",
        "interpolate(signal, scale_factor=1.5, mode='linear')", "interpolate(signal, 5, mode='linear')", "interpolate(signal, 3, mode='area')",
        "interpolate(signal, scale_factor=1.5, mode='linear', recompute_scale_factor=True)", "interpolate(photo, scale_factor=(1.4, 0.6))",
        "interpolate(photo, (5, 3), mode='nearest-exact')", "interpolate(photo, (5, 3), mode='bilinear')",
        "interpolate(photo, (1, 3), mode='bilinear', align_corners=True)", "interpolate(photo, (5, 3), mode='bicubic')",
        "interpolate(photo, (4, 3), mode='bicubic', align_corners=True)", "interpolate(photo, scale_factor=0.6, mode='area')",
        "interpolate(photo, (3, 5), mode='bilinear', antialias=True)", "interpolate(photo, 3, mode='bilinear', antialias=True, align_corners=True)",
        "interpolate(photo, scale_factor=0.6, mode='bicubic', antialias=True)", "interpolate(photo, (3, 2), mode='lanczos', antialias=True)",
        "interpolate(scan, 2)", "interpolate(scan, (2, 4, 1), mode='nearest-exact')", "interpolate(scan, (2, 4, 1), mode='trilinear')",
        "interpolate(scan, 2, mode='area')",
    ],
    "upsample": ["upsample(photo[:, :, :2, :2], 3)", "upsample(signal, scale_factor=2.5, mode='linear', align_corners=False)"],
    "upsample_nearest": ["upsample_nearest(photo[:, :, :2, :2], scale_factor=2)"],
    "upsample_bilinear": ["upsample_bilinear(photo, 3)"],
    "grid_sample": [
        "grid_sample(photo, looks)", "grid_sample(photo[:, :1], beyond, 'bilinear', 'border', False)",
        "grid_sample(photo[:, :, :2, :3], beyond, 'bilinear', 'reflection', True)", "grid_sample(photo[:, :1], looks, 'bicubic')",
        "grid_sample(photo[:, :, :3, :2], beyond, 'bicubic', 'reflection', True)", "grid_sample(photo[:, :1], looks * 1.3, 'bicubic', 'border')",
        "grid_sample(photo, looks, mode='nearest')", "grid_sample(scan, looks3)", "grid_sample(scan, beyond3, 'bilinear', 'reflection')",
        "grid_sample(scan, beyond3, 'nearest', 'border', True)",
    ],
    "affine_grid": ["affine_grid(theta, (1, 2, 3, 4))", "affine_grid(theta, (1, 1, 3, 1), align_corners=True)", "affine_grid(theta3, (1, 1, 2, 1, 3))"],
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
    "adaptive_max_pool2d": ["adaptive_max_pool2d(dphoto, 0)", "adaptive_max_pool2d(special[None, None], (1, 2), True)"],
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
    "adaptive_avg_pool2d": ["adaptive_avg_pool2d(photo, 0)", "adaptive_avg_pool2d(photo.half(), 3)", "adaptive_avg_pool2d(cphoto, 1)"],
    "interpolate": [
        # where torch repeats the first row, and where it leaves a dimension as it is
        "interpolate(photo, (3, 1), mode='bilinear', antialias=True)", "interpolate(photo, (6, 1), mode='bicubic', antialias=True, align_corners=True) ** 2",
        "interpolate(photo.permute(0, 3, 2, 1), (3, 1), mode='lanczos', antialias=True)", "interpolate(four.permute(1, 3, 0, 2), (3, 1), mode='bilinear', antialias=True)",
        "interpolate(photo, scale_factor=(1.1, 0.3), mode='bilinear', antialias=True)", "interpolate(photo, scale_factor=1.1, mode='bicubic', antialias=True)",
        "interpolate(special.view(1, 1, 6), 8, mode='linear')", "interpolate(photo.half(), 3, mode='bilinear')",
        "interpolate(photo.detach()[:0], 3)", "interpolate(photo.abs().detach().to(uint8), 3)",
        "interpolate(arange(7, dtype=float32).view(1, 1, 7), 30)", "interpolate(arange(9, dtype=float32).view(1, 1, 9), 11, mode='nearest-exact')",
        "interpolate(arange(3, dtype=float32).view(1, 1, 3), scale_factor=3.3)", "interpolate(photo, scale_factor=1.03)",
        "interpolate(signal, scale_factor=2.17)", "interpolate(scan, scale_factor=1.23)",
        "interpolate(arange(4, dtype=float64).view(1, 1, 4, 1), (49, 1), mode='nearest-exact')",
    ],
    "grid_sample": [
        "grid_sample(photo, looks * nan)", "grid_sample(photo, looks * inf, 'nearest', 'reflection')", "grid_sample(photo, beyond.detach() * 0 - 1)",
        "grid_sample(scan, looks3 * 0 + 1, 'bilinear', 'border', True)", "grid_sample(photo.detach()[:, :0], looks.detach())",
        "grid_sample(photo[:, :, :1, :1], beyond, 'bilinear', 'reflection', True)", "grid_sample(photo.detach(), looks)",
        "grid_sample(photo, looks.detach())", "grid_sample(photo, affine_grid(theta, (1, 2, 2, 2)))",
    ],
    "lp_pool1d": ["lp_pool1d(dsignal, -inf, 2)", "lp_pool1d(signal, 3, 2)"],
    "lp_pool2d": ["lp_pool2d(photo * 0, 2, 2)", "lp_pool2d(kphoto, 2, 2)"],
}  # fmt: skip

FROM_FUNCTIONAL = (
    "unfold", "fold", "max_pool1d", "max_pool2d", "max_pool3d", "adaptive_max_pool1d", "adaptive_max_pool2d", "adaptive_max_pool3d",
    "fractional_max_pool2d", "fractional_max_pool3d", "max_unpool1d", "max_unpool2d", "max_unpool3d", "avg_pool1d", "avg_pool2d",
    "avg_pool3d", "adaptive_avg_pool1d", "adaptive_avg_pool2d", "adaptive_avg_pool3d", "lp_pool1d", "lp_pool2d", "lp_pool3d",
    "interpolate", "upsample", "upsample_nearest", "upsample_bilinear", "grid_sample", "affine_grid",
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
    "conv_tbc(x, up1, zero2)", "conv_tbc(cube2, x, zero2)", "conv_tbc(cube2, up1, x)", "conv_tbc(cube, up1, zero2)", "conv_tbc(cube2, up1, v)",
    "conv_tbc(cube2, up1, zero2, -1)", "conv_tbc(cube2, up1.float(), zero2)",
    "unfold(x, 2)", "unfold(photo, 5)", "unfold(photo, 2, padding=-1)", "unfold(photo, 2, stride=0)", "unfold(photo, (2, 2, 2))",
    "unfold(kphoto, 2)", "unfold(photo[:, :0], 2)", "fold(columns, 4, 3)", "fold(columns, 4, 2, stride=2)", "fold(v, 4, 2)",
    "fold(columns.long(), 4, 2)", "fold(columns, (0, 4), 2)",
    *(f"max_pool1d(signal, {rest})" for rest in ("2, padding=2", "2, padding=-1", "0", "2, 0", "2, dilation=0", "7", "(2, 2)", "2, -1")),
    *(f"max_pool2d(photo, {rest})" for rest in ("2, padding=2", "2, padding=-1", "0", "2, 0", "2, dilation=0", "7", "(2, 2, 2)", "2, -1",
                                                "2, (1, 2, 3)", "2, padding=(1, 1, 1)", "2, dilation=(1, 1, 1)", "-2, 1", "3, 3, (1, 2), 2")),
    *(f"max_pool3d(scan, {rest})" for rest in ("7", "2, padding=2", "0", "(2, 2)", "2, dilation=0", "2, -1")),
    *(f"avg_pool2d(photo, {rest})" for rest in ("2, padding=2", "2, padding=-1", "0", "2, 0", "7", "(2, 2, 2)", "2, -1", "2, (1, 2, 3)",
                                                "2, divisor_override=0", "2, padding=(1, 1, 1)")),
    "max_pool1d(v, 2)", "max_pool2d(x, 2)", "max_pool3d(cube, 2)", "max_pool2d(photo[:, :0], 2)", "max_pool3d(scan[:, :0], 2)",
    "max_pool1d(signal[:, :0], 2)", "avg_pool1d(v, 2)", "avg_pool2d(x, 2)", "avg_pool3d(cube, 2)", "avg_pool3d(scan, 7)", "avg_pool3d(scan, (2, 2))", "avg_pool3d(scan, 4, 1, 1)", "avg_pool3d(scan.half(), 2)",
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
    *(f"interpolate(photo, {rest})" for rest in (
        "scale_factor=None", "2, 2.0", "(2, 2, 2)", "scale_factor=(2.0, 2.0, 2.0)", "2, mode='bad'", "2, mode='linear'", "2, align_corners=True",
        "2, recompute_scale_factor=True", "2, antialias=True", "0", "scale_factor=-1.0", "scale_factor=nan", "2, mode='lanczos'",
        "2, mode='lanczos', antialias=True, align_corners=True",
    )),
    "interpolate(signal, 2, mode='bicubic')", "interpolate(signal, 2, mode='bilinear')", "interpolate(x, 2)", "interpolate(signal, 0)",
    "interpolate(scan, 0)", "interpolate(photo[:, :0], 2)", "interpolate(kphoto, 2)", "interpolate(kphoto, 2, mode='bicubic')",
    "interpolate(signal, 2, mode='bilinear', antialias=True)",
    "grid_sample(photo, looks, 'bad')", "grid_sample(photo, looks, 'nearest', 'bad')", "grid_sample(photo, looks.float())", "grid_sample(photo, image)",
    "grid_sample(photo, looks3)", "grid_sample(photo, looks[0])", "grid_sample(x, looks)", "grid_sample(photo[:, :, :0], looks)",
    "grid_sample(scan, looks3, 'bicubic')", "grid_sample(kphoto, looks.long())", "grid_sample(cphoto, looks)", "grid_sample(s, looks)",
    "affine_grid(theta, (1, 2, 3))", "affine_grid(theta.long(), (1, 2, 3, 3))", "affine_grid(theta3, (1, 2, 3, 3))", "affine_grid(x, (1, 2, 3, 3))",
    "affine_grid(theta, (1, 2, 0, 3))", "affine_grid(theta, (2, 2, 3, 3))", "affine_grid(theta, (1, 2, 3, 3, 3))",
)  # fmt: skip

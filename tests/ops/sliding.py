"""Samples for what slides over signals, images and scans: convolutions, pooling, and resampling."""

from __future__ import annotations

LINEAR = ("conv1d", "conv2d", "conv_transpose2d", "unfold", "fold")

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
}  # fmt: skip

KINKED: dict[str, list[str]] = {
    "conv1d": ["conv1d(k[None], k2[:, :, None].expand(2, 3, 1))", "conv1d(signal.half(), taps1.half(), v.half())"],
    "conv2d": ["conv2d(kphoto, kphoto[:, :, :2, :2])", "conv2d(photo[:0].detach(), taps2.detach(), v.detach())"],
    "conv_transpose2d": ["conv_transpose2d(kphoto, kphoto[0, :, None, :2, :2])"],
    "unfold": ["unfold(photo.detach()[:0], 2)", "unfold(photo > 0, 2)"],
    "fold": ["fold(columns.detach()[:0], 4, 2)", "fold(columns > 0, 4, 2)"],
}  # fmt: skip

FROM_FUNCTIONAL = ("unfold", "fold")

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
)  # fmt: skip

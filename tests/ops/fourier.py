"""The samples of Fourier transforms, as `samples` has those of the rest."""

from __future__ import annotations

# by the name behind `torch.fft.`
CALLS: dict[str, list[str]] = {
    "fft": ["x", "c", "v, 5", "v, 2", "x, dim=0", "c, norm='ortho'", "c, n=4, dim=0, norm='forward'", "s[None]"],
    "ifft": ["x", "c", "c, 2, norm='forward'", "x, norm='backward'"],
    "rfft": ["v", "x, dim=0", "x, 4", "v4, norm='ortho'", "x, 1"],
    "irfft": ["c", "c, 3", "c, 7, norm='forward'", "cm, dim=0", "x", "c, 1"],
    "hfft": ["c", "c, 5, norm='ortho'", "c, dim=0"],
    "ihfft": ["x", "v4, norm='forward'", "x, 5, 0"],
    "fft2": ["x", "c", "cube, s=(4, 2)", "c, s=(-1, 2)", "cube, dim=(0, 1), norm='ortho'"],
    "ifft2": ["x", "c, norm='forward'"],
    "rfft2": ["x", "cube, dim=(0, 2)", "x, s=(3, 2)"],
    "irfft2": ["c", "c, s=(3, 3)", "x"],
    "hfft2": ["c", "x", "c, s=(4, 5), norm='ortho'"],
    "ihfft2": ["x", "cube, s=(2, 5), norm='ortho'"],
    "fftn": ["cube", "c", "cube, s=(4, 2)", "cube, dim=(0,)", "c, dim=()", "c, dim=(1, 0)", "s"],
    "ifftn": ["cube, norm='ortho'", "c, s=(3,)"],
    "rfftn": ["cube", "x, dim=(0,)", "cube, s=(2, 5)"],
    "irfftn": ["c", "c, s=(4, 5)", "c, s=(3, -1)", "cube, dim=(0, 2)"],
    "hfftn": ["c", "c, dim=(0,)", "cm, dim=(1, 0)"],
    "ihfftn": ["cube", "cube, dim=(1,)", "x, norm='forward'"],
    "fftshift": ["x", "cube, dim=1", "v", "c, (0, 1)"],
    "ifftshift": ["x", "cube, dim=(1, -1)", "v"],
}  # fmt: skip
# the square shows the graph of the backward of what is linear
SMOOTH = {
    f"fft::{name}": [f"torch.fft.{name}({given}){square}" for given in calls for square in ("", " ** 2")]
    for name, calls in CALLS.items()
}

KINKED: dict[str, list[str]] = {
    "fft::hfft": ["torch.fft.hfft(x)"],
    "fft::fft": ["torch.fft.fft(k)", "torch.fft.fft(flag)"], "fft::rfft": ["torch.fft.rfft(k)"], "fft::irfft": ["torch.fft.irfft(k)"],
    "fft::fftfreq": ["torch.fft.fftfreq(4)", "torch.fft.fftfreq(5, 0.5)", "torch.fft.fftfreq(5, d=0.3, dtype=float64)", "torch.fft.fftfreq(0)",
                     "torch.fft.fftfreq(3, requires_grad=True)"],
    "fft::rfftfreq": ["torch.fft.rfftfreq(5)", "torch.fft.rfftfreq(4, 0.7)", "torch.fft.rfftfreq(1)"],
}  # fmt: skip

REFUSED = (
    "torch.fft.fft(s)", "torch.fft.fft(v, 0)", "torch.fft.fft(v, -1)", "torch.fft.fft(v, dim=3)", "torch.fft.fft(v, norm='x')", "torch.fft.rfft(c)",
    "torch.fft.irfft(v, 0)", "torch.fft.irfft(one)", "torch.fft.ihfft(c)", "torch.fft.fft2(v)", "torch.fft.fftn(x, dim=(0, 0))",
    "torch.fft.fftn(x, s=(1, 2, 3))", "torch.fft.fftn(x, s=(1, 2), dim=(0,))", "torch.fft.rfftn(c)", "torch.fft.irfftn(x, dim=())",
    "torch.fft.fftn(x, s=(0, 1))", "torch.fft.fft(x.half())", "torch.fft.fftfreq(-1)", "torch.fft.fftshift(v, dim=4)", "torch.fft.rfftn(x, dim=())",
    "torch.fft.rfftn(s)", "torch.fft.ihfftn(c)", "torch.fft.hfftn(x, dim=())",
)  # fmt: skip

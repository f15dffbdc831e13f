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

SIGNALS: dict[str, list[str]] = {
    "stft": ["stft(sig, 4, return_complex=True)", "stft(sig, 4, 2, window=win4, return_complex=True)", "csig.stft(4, center=False)",
             "stft(sigs, 4, hop_length=2, win_length=3, window=win3, center=False, normalized=True, return_complex=True)",
             "torch.stft(sig, 4, onesided=False, return_complex=True, center=False)", "stft(sigs, 4, return_complex=False)", "stft(sigs, 4, return_complex=True)",
             "stft(sig, 4, win_length=3, center=False, return_complex=True)", "sig.stft(4, pad_mode='constant', return_complex=True)",
             "stft(sig, 4, 4, center=False, return_complex=True)"],
    "istft": ["istft(spec, 4, window=win4)", "istft(specs, 4, hop_length=2, window=win4, length=7)", "spec.istft(4)",
              "torch.istft(spec, 4, win_length=3, window=win3, normalized=True)", "fullspec.istft(4, onesided=False, window=win4)",
              "istft(fullspec, 4, onesided=False, return_complex=True, window=win4.detach())", "istft(spec, 4, window=win4, center=False)",
              "istft(spec, 4, window=win4, length=12)"],
}  # fmt: skip
SMOOTH |= {
    name: [square for given in calls for square in (given, f"({given}) ** 2")] for name, calls in SIGNALS.items()
}

KINKED: dict[str, list[str]] = {
    "fft::hfft": ["torch.fft.hfft(x)"],
    "fft::fft": ["torch.fft.fft(k)", "torch.fft.fft(flag)"], "fft::rfft": ["torch.fft.rfft(k)"], "fft::irfft": ["torch.fft.irfft(k)"],
    "fft::fftfreq": ["torch.fft.fftfreq(4)", "torch.fft.fftfreq(5, 0.5)", "torch.fft.fftfreq(5, d=0.3, dtype=float64)", "torch.fft.fftfreq(0)",
                     "torch.fft.fftfreq(3, requires_grad=True)"],
    "hann_window": ["hann_window(5)", "hann_window(5, periodic=False)", "hann_window(1)", "hann_window(0)", "hann_window(3, requires_grad=True)"],
    "hamming_window": ["hamming_window(4)", "hamming_window(4, True, 0.5, 0.4)", "hamming_window(4, False, alpha=0.5)"],
    "blackman_window": ["blackman_window(4, dtype=float64)", "blackman_window(5, False)"],
    "bartlett_window": ["bartlett_window(4)", "bartlett_window(5, False)", "bartlett_window(6, False, dtype=float64)"],
    "kaiser_window": ["kaiser_window(4)", "kaiser_window(5, False, beta=6.0)", "kaiser_window(1)", "kaiser_window(7, dtype=float64)"],
    "fft::rfftfreq": ["torch.fft.rfftfreq(5)", "torch.fft.rfftfreq(4, 0.7)", "torch.fft.rfftfreq(1)"],
}  # fmt: skip

REFUSED = (
    "torch.fft.fft(s)", "torch.fft.fft(v, 0)", "torch.fft.fft(v, -1)", "torch.fft.fft(v, dim=3)", "torch.fft.fft(v, norm='x')", "torch.fft.rfft(c)",
    "torch.fft.irfft(v, 0)", "torch.fft.irfft(one)", "torch.fft.ihfft(c)", "torch.fft.fft2(v)", "torch.fft.fftn(x, dim=(0, 0))",
    "torch.fft.fftn(x, s=(1, 2, 3))", "torch.fft.fftn(x, s=(1, 2), dim=(0,))", "torch.fft.rfftn(c)", "torch.fft.irfftn(x, dim=())",
    "torch.fft.fftn(x, s=(0, 1))", "torch.fft.fft(x.half())", "torch.fft.fftfreq(-1)", "torch.fft.fftshift(v, dim=4)", "torch.fft.rfftn(x, dim=())",
    "stft(sig, 4)", "stft(sig, 40, center=False, return_complex=True)", "stft(sig, 4, 0, return_complex=True)", "stft(sig, 20, return_complex=True)",
    "stft(sig, 4, win_length=5, return_complex=True)", "stft(sig, 4, window=win3, return_complex=True)", "stft(cube, 4, center=False, return_complex=True)",
    "stft(csig, 4, onesided=True, center=False)", "stft(places, 2, center=False, return_complex=True)", "istft(sig, 4)", "istft(spec, 4, window=win3)",
    "istft(spec, 7)", "istft(spec, 4, hop_length=5)", "istft(spec, 4, return_complex=True)", "istft(spec, 4, window=win4 * 0)",
    "istft(spec, 4, win_length=5)", "hann_window(-1)", "hann_window(4, dtype=int64)",
    "torch.fft.rfftn(s)", "torch.fft.ihfftn(c)", "torch.fft.hfftn(x, dim=())",
)  # fmt: skip

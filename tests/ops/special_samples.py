"""The samples of torch.special: see samples.py."""

from __future__ import annotations

# functions of one tensor that torch has as methods, too
METHODS = ("lgamma", "digamma", "erfinv", "i0")
# torch.special's alone: those with derivatives, and those without
DIFFERENTIABLE = {
    "erfcx": "x", "ndtr": "x", "ndtri": "probs", "log_ndtr": "x", "entr": "p", "i0e": "x", "i1": "x", "i1e": "x",
}  # fmt: skip
CONSTANT = (
    "airy_ai", "bessel_j0", "bessel_j1", "bessel_y0", "bessel_y1", "modified_bessel_i0", "modified_bessel_i1",
    "modified_bessel_k0", "modified_bessel_k1", "scaled_modified_bessel_k0", "scaled_modified_bessel_k1", "spherical_bessel_j0",
)  # fmt: skip
POLYNOMIALS = (
    *(f"{shift}chebyshev_polynomial_{kind}" for shift in ("", "shifted_") for kind in "tuvw"),
    "hermite_polynomial_h", "hermite_polynomial_he", "laguerre_polynomial_l", "legendre_polynomial_p",
)  # fmt: skip
# what torch's own names call other rows
RENAMED = {
    "gammaln": "lgamma", "psi": "digamma", "gammainc": "igamma", "gammaincc": "igammac", "multigammaln": "mvlgamma",
}  # fmt: skip


def calls(name: str, *arguments: str) -> list[str]:
    return [f"torch.special.{name}({given})" for given in arguments]


SMOOTH: dict[str, list[str]] = {
    **{name: calls(name, "s" if given == "x" else "sp", f"{given}.t()") for name, given in DIFFERENTIABLE.items()},
    "special::round": calls("round", "d", "s", "x.t(), decimals=0"),
    "polygamma": ["polygamma(0, p)", "polygamma(1, p)", "polygamma(2, x)", *calls("polygamma", "3, sp", "n=2, input=p.t()")],
    "Tensor::polygamma": ["p.polygamma(1)", "x.polygamma(n=2)"],
    "Tensor::polygamma_": ["clone(p).polygamma_(2)", "clone(p).polygamma_(1)"],
    "mvlgamma": ["over.t().mvlgamma(p=3)", "mvlgamma(over[0, 0], 1)"],
    "igamma": ["igamma(p.detach(), q)", "p.detach().igamma(other=q)", "igamma(ones2.detach(), col.abs())", *calls("gammainc", "p.detach(), q[0]")],
    "igammac": ["igammac(p.detach(), q)", "p.detach().igammac(q)", *calls("gammaincc", "over[0, 0].detach(), q")],
    "zeta": calls("zeta", "over.detach(), q", "over.detach(), sp"),
    "zeta.self_scalar": calls("zeta", "2, p", "3.5, q[0, 0]"),
}  # fmt: skip
KINKED: dict[str, list[str]] = {
    **{name: calls(name, "edge", "special", "huge.detach()", "k", "empty", "mask") for name in DIFFERENTIABLE},
    **{name: calls(name, "x", "p", "edge", "special", "k2", "mask", "empty", "s", "x.float()") for name in CONSTANT},
    **{
        name: calls(name, "x, k", "u, k2 * 7", "x, 3", "x, 4.7", "edge[:, None], k2[0]", "edge, 12", "s, 5", "x, special[:3]", "none, 2", "probs, 9",
                    "x=x, n=2", "edge, 9", "k, k2")
        for name in POLYNOMIALS
    },
    **{f"{name}.x_scalar": calls(name, "2, k", "0.5, low", "-1, low", "0.3, high * 9") for name in POLYNOMIALS},
    "special::round": calls("round", "halves, decimals=1", "special", "empty"),
    "lgamma": ["lgamma(edge)", "lgamma(special)", "lgamma(huge)", "lgamma(halves)", "lgamma(mask)"],
    "digamma": ["digamma(edge)", "digamma(special)", "digamma(huge)", "digamma(halves)"],
    "polygamma": ["polygamma(1, halves)", "polygamma(2, halves)", "polygamma(2, edge)", "polygamma(1, special[:3])", "polygamma(4, special)", "polygamma(1, k2)", "polygamma(3, empty)",
                  "polygamma(200, p.double())"],
    "mvlgamma": ["mvlgamma(edge, 2)", "mvlgamma(k2, 2)", "mvlgamma(empty, 2)"],
    "erfinv": ["erfinv(edge)", "erfinv(special)", "erfinv(ties)"],
    "i0": ["i0(edge)", "i0(special)", "i0(huge)"],
    "igamma": ["igamma(p, q)", "igamma(edge, ties)", "igamma(low, high)", "igamma(low, 1 - high)", "igamma(low.detach(), high)", "igamma(p.detach(), x)", "igamma(empty, empty)"],
    "igammac": ["igammac(p, q)", "igammac(edge, ties)", "igammac(low, high)", "igammac(low.detach(), high)", "igammac(p.detach(), x)"],
    "zeta": calls("zeta", "over, q", "edge.detach(), ties", "special.detach(), special", "k2, k2", "empty, empty"),
    "zeta.self_scalar": calls("zeta", "1, edge", "2, special", "3, k2", "2.5, k", "3, edge"),
    "zeta.other_scalar": calls("zeta", "over, 2", "over, 0.5", "k2, 3", "edge.detach(), -1", "special.detach(), 2"),
}  # fmt: skip
REFUSED = (
    "polygamma(-1, x)", "x.polygamma(-2)", "mvlgamma(x, 0)",
    "igamma(k, k)", "igammac(c, c)", "igamma(x, v4)", "igamma(x, 2)",
    *(f"torch.special.{name}(c)" for name in (*DIFFERENTIABLE, *CONSTANT)),
    *(f"torch.special.{name}(x.half())" for name in ("erfcx", "ndtri", "log_ndtr", *CONSTANT)),
    *(f"torch.special.{name}(c, 2)" for name in POLYNOMIALS), *calls("zeta", "c, 2", "x.half(), 2", "x, v4"), *calls("round", "k", "c"),
    *calls("legendre_polynomial_p", "x.half(), 3", "x, v4"),
)  # fmt: skip

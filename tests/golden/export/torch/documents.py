import torch
import torch.nn.functional as F


def assert_close(actual, expected, **tolerances):
    """Numbers count, not dtypes; one number stands for as many as there are."""
    actual = torch.as_tensor(actual)
    if not isinstance(expected, torch.Tensor):
        exact = torch.complex128 if actual.is_complex() else torch.float64
        expected = torch.as_tensor(expected, dtype=exact)
    if expected.ndim == 0:
        expected = expected.expand(actual.shape)
    tolerances.update(check_dtype=False, equal_nan=True)
    torch.testing.assert_close(actual, expected, **tolerances)


# Several documents, a matrix
for n in [1, 2]:
    for dtype in [torch.float32, torch.float64]:
        for seed in [3, 4]:
            torch.manual_seed(seed)
            torch.set_default_dtype(dtype)

            x = torch.randn(n, requires_grad=True)

            print('a "quoted" \\ label:', x)
            print("and 'another'\n:", x.dtype)
            assert_close(x.shape, [n])
            assert x.grad is None
            assert str(x.device) == "cpu"


# A title
# of two lines
torch.manual_seed(7)
torch.set_default_dtype(torch.float32)

x = torch.rand(2)
y = x.clone()

print(x)
print(F.softmax(x, dim=0))
print(torch.linalg.norm(x))
print(torch.special.expit(x))
print(x.view((2, 1)))

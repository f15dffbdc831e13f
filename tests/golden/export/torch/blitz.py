# A gentle introduction: squares, a mean, and a vector's gradient

import torch


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


torch.manual_seed(0)

x = torch.ones(2, 2, requires_grad=True)
a = torch.tensor([2.0, 3.0], requires_grad=True)
b = torch.tensor([6.0, 4.0], requires_grad=True)
u = torch.randn(3, requires_grad=True)

# out = mean of 3 (x + 2)², so that its derivative by each element is 1.5 (x + 2) = 4.5
y = x + 2
z = y * y * 3
out = z.mean()
print(y)
print(z)
print(out)
out.backward()
print("d out / d x:", x.grad)
assert_close(x.grad, 4.5)
assert_close(out, 27)
assert type(y.grad_fn).__name__ == "AddBackward0"
assert type(out.grad_fn).__name__ == "MeanBackward0"

# Q is a vector: `gradient` says how its elements are weighed, here alike
Q = 3 * a**3 - b**2
Q.backward(torch.tensor([1.0, 1.0]))
print("Q:", Q)
print("d Q / d a:", a.grad)
print("d Q / d b:", b.grad)
assert_close(Q, [-12, 65])
assert_close(a.grad, [36, 81])
assert_close(b.grad, [-12, -8])

# how the graph comes out depends on the numbers: v is doubled until it is long
v = u * 2
doublings = 1
rounds = 0
while v.data.norm() < 1000:
    assert rounds < 50, "`v.data.norm() < 1000` still holds after 50 rounds"
    v = v * 2
    doublings = doublings + 1
    rounds += 1
print("after doublings:", doublings)
print("v:", v)
v.backward(torch.tensor([0.1, 1.0, 0.0001]))
print(u.grad)
assert doublings == 9
assert_close(v, [788.99, -150.2356, -1115.5402], rtol=1e-5, atol=1e-5)
assert_close(u.grad, [51.2, 512, 0.0512], rtol=1e-5, atol=1e-5)

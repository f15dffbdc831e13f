# What PyTorch refuses, as tests

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

x = torch.tensor([1.0, 2.0], requires_grad=True)
w = torch.tensor([3.0, 4.0], requires_grad=True)
k = torch.tensor([1, 2])

y = x**2
loss = y.sum()
loss.backward()
try:
    loss.backward()
except Exception as error:
    assert "Trying to backward through the graph a second time" in str(error)
else:
    raise AssertionError("no error")
try:
    (x * 2).backward()
except Exception as error:
    assert "grad can be implicitly created only for scalar outputs" in str(error)
else:
    raise AssertionError("no error")
try:
    k.sum().backward()
except Exception as error:
    assert (
        "element 0 of tensors does not require grad and does not have a grad_fn"
        in str(error)
    )
else:
    raise AssertionError("no error")
try:
    (x * 2).backward(torch.tensor([1.0, 1.0, 1.0]))
except Exception as error:
    assert "Mismatch in shape: grad_output[0] has a shape of torch.Size([3])" in str(
        error
    )
else:
    raise AssertionError("no error")
try:
    x += 1
except Exception as error:
    assert (
        "a leaf Variable that requires grad is being used in an in-place operation"
        in str(error)
    )
else:
    raise AssertionError("no error")
try:
    x[0] = 1
except Exception as error:
    assert (
        "a view of a leaf Variable that requires grad is being used in an in-place operation"
        in str(error)
    )
else:
    raise AssertionError("no error")

# what a backward needs must not be changed before it runs
try:
    e = torch.exp(x)
    e *= 2
    e.sum().backward()
except Exception as error:
    assert (
        "one of the variables needed for gradient computation has been modified by an inplace operation"
        in str(error)
    )
else:
    raise AssertionError("no error")
try:
    k.requires_grad_()
except Exception as error:
    assert "only Tensors of floating point dtype can require gradients" in str(error)
else:
    raise AssertionError("no error")
try:
    y.requires_grad_(False)
except Exception as error:
    assert "you can only change requires_grad flags of leaf variables" in str(error)
else:
    raise AssertionError("no error")
try:
    (g,) = torch.autograd.grad((x * 2).sum(), w)
except Exception as error:
    assert (
        "The differentiated Tensor at index 0 appears to not have been used in the graph"
        in str(error)
    )
else:
    raise AssertionError("no error")
try:
    k.retain_grad()
except Exception as error:
    assert "can't retain_grad on Tensor that has requires_grad=False" in str(error)
else:
    raise AssertionError("no error")
try:
    x.grad = torch.ones(3)
except Exception as error:
    assert (
        "attempting to assign a gradient of size '[3]' to a tensor of size '[2]'"
        in str(error)
    )
else:
    raise AssertionError("no error")
try:
    m = k.mean()
except Exception as error:
    assert "could not infer output dtype" in str(error)
else:
    raise AssertionError("no error")

# and what it allows: a sum keeps nothing for its backward, so that a second one works
s = x.sum()
x.grad = None
s.backward()
s.backward()
assert_close(x.grad, 2)

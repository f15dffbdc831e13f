# What PyTorch refuses, as tests

import numpy as np


def assert_close(actual, expected, rtol, atol):
    """One number stands for as many as there are; NaN equals NaN."""
    if np.ndim(expected):
        assert np.shape(actual) == np.shape(expected)
    np.testing.assert_allclose(actual, expected, rtol=rtol, atol=atol)


x = np.array([1.0, 2.0], dtype=np.float32)
w = np.array([3.0, 4.0], dtype=np.float32)
k = np.array([1, 2], dtype=np.int64)
x_grad = None
w_grad = None

y = x**2
loss = y.sum()
d_loss = np.ones_like(loss)
d_y = np.broadcast_to(d_loss, (2,))
d_x = d_y * (x * 2)
x_grad = d_x
# steps: [backward: loss] would raise: Trying to backward through the graph a second time (or directly access saved tensors after they have already been freed). Saved intermediate values of the graph are freed when you call .backward() or autograd.grad(). Specify retain_graph=True if you need to backward through the graph a second time or if you need to access saved tensors after calling backward.
# steps: [backward: x * 2] would raise: grad can be implicitly created only for scalar outputs
# steps: [backward: k.sum()] would raise: element 0 of tensors does not require grad and does not have a grad_fn
# - backward: {of: x * 2, gradient: [1.0, 1.0, 1.0]} would raise: Mismatch in shape: grad_output[0] has a shape of torch.Size([3]) and output[0] has a shape of torch.Size([2]).
# steps: [x += 1] would raise: a leaf Variable that requires grad is being used in an in-place operation.
# steps: ["x[0] = 1"] would raise: a view of a leaf Variable that requires grad is being used in an in-place operation.

# what a backward needs must not be changed before it runs
e = np.exp(x)
e_2 = e * 2
# - backward: e.sum() would raise: one of the variables needed for gradient computation has been modified by an inplace operation: [torch.FloatTensor [2]], which is output 0 of Exp, is at version 1; expected version 0 instead. Hint: enable anomaly detection to find the operation that failed to compute its gradient, with torch.autograd.set_detect_anomaly(True, check_nan=False).
# steps: [requires_grad: {k: true}] would raise: only Tensors of floating point dtype can require gradients
# steps: [requires_grad: {y: false}] would raise: you can only change requires_grad flags of leaf variables. If you want to use a computed variable in a subgraph that doesn't require differentiation use var_no_grad = var.detach().
# steps: ["(g,) = grad((x * 2).sum(), w)"] would raise: The differentiated Tensor at index 0 appears to not have been used in the graph. Set allow_unused=True if this is the desired behavior.
# steps: [retain_grad: [k]] would raise: can't retain_grad on Tensor that has requires_grad=False
# steps: ["x.grad = ones(3)"] would raise: attempting to assign a gradient of size '[3]' to a tensor of size '[2]'. Please ensure that the gradient and the tensor are the same size
# steps: [m: k.mean()] would raise: mean(): could not infer output dtype. Input dtype must be either a floating point or complex dtype. Got: Long

# and what it allows: a sum keeps nothing for its backward, so that a second one works
x_grad = None
s = x.sum()
d_s = np.ones_like(s)
d_x = np.broadcast_to(d_s, (2,))
x_grad = d_x
d_s = np.ones_like(s)
d_x = np.broadcast_to(d_s, (2,))
x_grad = x_grad + d_x
assert_close(x_grad, 2, rtol=1.3e-6, atol=1e-5)

# correct: formulas and numbers agree

import torch

torch.manual_seed(0)

x = torch.randn(3, 4)
w = torch.randn(4, 2, requires_grad=True)
b = torch.zeros(2, requires_grad=True)

loss = (torch.tanh(x @ w + b) ** 2).mean()
loss.backward()
assert w.grad.shape == (4, 2)
assert torch.isfinite(w.grad).all()
assert w.grad.any()

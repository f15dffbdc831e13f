# Derivatives of derivatives

import torch

torch.manual_seed(0)

x = torch.tensor(2.0, requires_grad=True)
w = torch.tensor(3.0, requires_grad=True)

y = x**3 * w
(first,) = torch.autograd.grad(y, x, create_graph=True)
(second,) = torch.autograd.grad(first * w, x, create_graph=True)
(second**2).backward()
print(first)
print(second)
print(x.grad)
print(w.grad)

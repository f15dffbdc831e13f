# Several names of one tensor, and derivatives of derivatives

import torch

torch.manual_seed(0)

x = torch.tensor([1.0, 2.0], requires_grad=True)
s = torch.tensor(3.0, requires_grad=True)

y = x
z = y * 2
u = x.contiguous()
((z + u).sum() * s).backward()
print(x.grad)
print(y.grad)
print(s.grad)
print(x.where(x > 1, y))
v = x.detach().requires_grad_()
(v[[1, 0]] * s).backward(torch.tensor([1.0, 2.0]))
print(v.grad)
print(s.grad)

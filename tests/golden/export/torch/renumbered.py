# Clamped in place while nothing is recorded

import torch

torch.manual_seed(0)

a = torch.randn(2, 3, requires_grad=True)
b = torch.randn(2, 3)

c = a * b
with torch.no_grad():
    c.clamp_(min=0.5)
d = (c**2).sum()
d.backward()
print(c)
print(a.grad)

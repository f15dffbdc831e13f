# Gradients where functions have edges

import torch
import torch.nn.functional as F

torch.manual_seed(0)

x = torch.tensor([-1.0, 0.0, 0.5, 1.0], requires_grad=True)
z = torch.tensor([0.0, 0.0], requires_grad=True)
p = torch.tensor([0.0, 0.5, 1.0], requires_grad=True)
n = torch.tensor([1, 2, 3])
one = torch.tensor(1.5, dtype=torch.float64)

(
    torch.relu(x)
    + torch.abs(x) * 3
    + x.clamp(0, 1) * 5
    + x.clamp(max=0.5) * 7
    + F.leaky_relu(x) * 11
).sum().backward()
print(x.grad)
x.grad = None
(
    torch.maximum(x, x.detach()).sum()
    + x.max()
    + (x * 0).amax()
    + torch.sign(x).sum()
    + (x**2).sum()
    + (x**0).sum()
).backward()
print(x.grad)
(z.norm() + z.std() + torch.minimum(z[0], z[1])).backward()
print(z.grad)
(F.binary_cross_entropy(p, torch.tensor([1.0, 0.5, 0.25])) / 10000000000.0).backward()
(p ** (p + 1)).sum().backward()
print(p.grad)
print(n / 2)
print(n * 0.5)
print(n.exp())
print(x * one)
print(n + x[:3])
print(n > 1)

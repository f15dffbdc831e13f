# What a check leaves as it was, detached values, draws, hooks, what was accumulated

import torch
import torch.nn.functional as F

torch.manual_seed(1)

x = torch.tensor([0.5, 1.0, 2.0], requires_grad=True)
w = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)

scale = x.detach() * 2
with torch.no_grad():
    shift = torch.exp(x)
y = F.dropout(x * scale + shift, 0.5) * w
y[0] = x[1] * w[2]
y.register_hook(lambda g: 10 * g)
y.sum().backward(retain_graph=True)
y.sum().backward()
with torch.no_grad():
    w -= 0.01 * w.grad
(w * x.data).sum().backward()
assert torch.isfinite(w.grad).all()

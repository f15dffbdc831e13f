import torch
import torch.nn.functional as F

# A number of the round, in forwards and backwards
torch.manual_seed(0)

rate = 0.01

w = torch.ones(3, requires_grad=True)
data = torch.arange(12.0).reshape(4, 3).clone()

for i in range(4):
    bent = F.elu(w - 1, alpha=1.0 + i).sum()
    loss = ((w * data[i]).roll(i).sum() - i) ** 2 / (i + 1) + bent
    loss.backward()
    with torch.no_grad():
        w -= rate * w.grad
        w.grad.zero_()
print(w)
print(loss)


# What one round leaves to the next has a gradient
torch.manual_seed(0)

w = torch.ones(3, requires_grad=True)
h = torch.zeros(3)

for t in range(3):
    h = torch.tanh(h * 0.5 + w * t + F.softplus(w, beta=t + 1.0))
h.sum().backward()
print(h)
print(w.grad)


# What is random is other numbers in each round
torch.manual_seed(0)

w = torch.ones(3, requires_grad=True)

for _ in range(2):
    y = F.dropout(w, 0.5) * torch.randn(3)
    y.sum().backward()
print(y)
print(w.grad)

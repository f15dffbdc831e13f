# Constants and parameters that steps bind

import torch

torch.manual_seed(0)

e = torch.e
n = 3
name = "a \"quoted\" 'text'"


def scaled(x):
    return x * 3 * torch.e


x = torch.tensor([1.0, 2.0])

print(e)
print(n)
print(torch.pi)
print(name)
for i in range(2):
    e = e + i
    n = n * 2
print(e)
print(n)
print(scaled(x))
print(-torch.inf)
del n

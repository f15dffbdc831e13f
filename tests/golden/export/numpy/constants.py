# Constants and parameters that steps bind

import numpy as np

n = 3
name = "a \"quoted\" 'text'"
e = np.e

x = np.array([1.0, 2.0], dtype=np.float32)

print(e)
print(n)
print(np.pi)
print(name)
for i in range(2):
    e = e + i
    n = n * 2
print(e)
print(n)
print(x * 3 * np.e)
print(-np.inf)
del n

# Clamped in place while nothing is recorded

import numpy as np

a = np.array(
    [[1.5409961, -0.2934289, -2.1787894], [0.56843126, -1.0845224, -1.3985955]],
    dtype=np.float32,
)
b = np.array(
    [[0.40334684, 0.83802634, -0.7192576], [-0.40334353, -0.59663534, 0.18203649]],
    dtype=np.float32,
)
a_grad = None

c = a * b
c = np.clip(c, 0.5, None)
c_2 = c
t1 = c_2**2
d = t1.sum()
d_d = np.ones_like(d)
d_t1 = np.broadcast_to(d_d, (2, 3))
d_c_2 = d_t1 * (c_2 * 2)
d_a = d_c_2 * b
a_grad = d_a
print(c_2)
print(a_grad)

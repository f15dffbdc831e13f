# Derivatives of derivatives

import numpy as np

x = np.array(2.0, dtype=np.float32)
w = np.array(3.0, dtype=np.float32)
x_grad = None
w_grad = None

t1 = x**3
y = t1 * w
d_y = np.ones_like(y)
t2 = d_y * t1
d_t1 = d_y * w
t3 = x**2
t4 = t3 * 3
d_x = d_t1 * t4
first = d_x
t5 = first * w
d_t5 = np.ones_like(t5)
t6 = d_t5 * first
d_d_x = d_t5 * w
t7 = d_d_x * d_t1
t8 = d_d_x * t4
d_t4 = t7
d_t3 = d_t4 * 3
t9 = x
t10 = t9 * 2
d_x_2 = d_t3 * t10
second = d_x_2
t11 = second**2
d_t11 = np.ones_like(t11)
d_second = d_t11 * (second * 2)
d_d_t3 = d_second * t10
d_t10 = d_second * d_t3
d_t9 = d_t10 * 2
d_x_3 = d_t9 * x**0
d_d_t4 = d_d_t3 * 3
d_d_d_x = d_d_t4 * d_t1
d_d_t1 = d_d_t4 * d_d_x
d_w = d_d_d_x * d_t5
d_w = d_w + d_d_t1 * d_y
x_grad = d_x_3
w_grad = d_w
print(first)
print(second)
print(x_grad)
print(w_grad)

import numpy as np

# A number of the round, in forwards and backwards
rate = 0.01

w = np.ones(3, dtype=np.float32)
data = np.array(np.arange(12.0, dtype=np.float32).reshape((4, 3)), dtype=np.float32)
w_grad = None

for i in range(4):
    t1 = w - 1
    t2 = 1.0 * np.where(t1 > 0, t1, (1.0 + i) * np.expm1(t1 * 1.0))
    bent = t2.sum()
    t3 = data[i]
    t4 = w * t3
    t5 = np.roll(t4, i)
    t6 = t5.sum()
    t7 = t6 - i
    t8 = t7**2
    t9 = t8 / (i + 1)
    loss = t9 + bent
    d_loss = np.ones_like(loss)
    d_t8 = d_loss / (i + 1)
    d_t7 = d_t8 * (t7 * 2)
    d_t5 = np.broadcast_to(d_t7, (3,))
    d_t4 = np.roll(d_t5, -i)
    d_w = d_t4 * t3
    d_t2 = np.broadcast_to(d_loss, (3,))
    d_t1 = d_t2 * 1.0 * np.where(t1 > 0, 1, 1.0 * (1.0 + i) * np.exp(t1 * 1.0))
    d_w = d_w + d_t1
    w_grad = d_w if w_grad is None else w_grad + d_w
    w -= rate * w_grad
    w_grad = np.zeros_like(w)
print(w)
print(loss)


# What one round leaves to the next has a gradient

w = np.ones(3, dtype=np.float32)
h = np.zeros(3, dtype=np.float32)
w_grad = None

# t 0
t = 0
t1 = w * t
t2 = h * 0.5
t3 = t2 + t1
t4 = np.logaddexp(0, w)
t5 = t3 + t4
h = np.tanh(t5)
# t 1
t_2 = 1
t6 = h * 0.5
t7 = w
t8 = t6 + t7
t9 = np.where(w * (t_2 + 1.0) > 20.0, w, np.logaddexp(0, w * (t_2 + 1.0)) / (t_2 + 1.0))
t10 = t8 + t9
h_2 = np.tanh(t10)
# t 2
t_3 = 2
t11 = h_2 * 0.5
t12 = w * t_3
t13 = t11 + t12
t14 = np.where(
    w * (t_3 + 1.0) > 20.0, w, np.logaddexp(0, w * (t_3 + 1.0)) / (t_3 + 1.0)
)
t15 = t13 + t14
h_3 = np.tanh(t15)
t16 = h_3.sum()
d_t16 = np.ones_like(t16)
d_h_3 = np.broadcast_to(d_t16, (3,))
d_t15 = d_h_3 * (1 - h_3**2)
d_w = np.where(w * (t_3 + 1.0) > 20.0, d_t15, d_t15 / (1 + np.exp(-w * (t_3 + 1.0))))
d_w = d_w + d_t15 * t_3
d_h_2 = d_t15 * 0.5
d_t10 = d_h_2 * (1 - h_2**2)
d_w = d_w + np.where(
    w * (t_2 + 1.0) > 20.0, d_t10, d_t10 / (1 + np.exp(-w * (t_2 + 1.0)))
)
d_w = d_w + d_t10 * t_2
d_h = d_t10 * 0.5
d_t5 = d_h * (1 - h**2)
d_w = d_w + d_t5 / (1 + np.exp(-w))
d_w = d_w + d_t5 * t
w_grad = d_w
print(h_3)
print(w_grad)


# What is random is other numbers in each round

w = np.ones(3, dtype=np.float32)
w_grad = None

# round 0
t1 = np.array([0.0, 0.0, 1.0], dtype=np.float32) / 0.5
t2 = w * t1
t3 = np.array([1.2644587, -0.6874264, 0.16038126], dtype=np.float32)
y = t2 * t3
t4 = y.sum()
d_t4 = np.ones_like(t4)
d_y = np.broadcast_to(d_t4, (3,))
d_t2 = d_y * t3
d_w = d_t2 * t1
w_grad = d_w
# round 1
t5 = np.array([1.0, 0.0, 1.0], dtype=np.float32) / 0.5
t6 = w * t5
t7 = np.array([-0.6064512, -0.59663534, 0.18203649], dtype=np.float32)
y_2 = t6 * t7
t8 = y_2.sum()
d_t8 = np.ones_like(t8)
d_y_2 = np.broadcast_to(d_t8, (3,))
d_t6 = d_y_2 * t7
d_w = d_t6 * t5
w_grad = w_grad + d_w
print(y_2)
print(w_grad)

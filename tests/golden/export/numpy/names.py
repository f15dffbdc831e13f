# Names that Python, the script or torch has

import numpy as np

e = 0.5
print_ = 2

F = np.ones(2, dtype=np.float32)
np_ = np.array([1.0, 2.0], dtype=np.float32)
range_ = np.array(3, dtype=np.int64)
error = np.array(1.0, dtype=np.float32)
_ = np.array(2.0, dtype=np.float32)
text = np.array(1.5, dtype=np.float32)
tensor = np.ones(1, dtype=np.float32)
F_grad = None

t1 = F * np_
t2 = F * 2
t3 = (t2 * range_).astype(np.float32)
t4 = t1 + t3
t5 = F * 3
str_ = t4 + t5
rounds = 0
rounds_ = 0
while rounds < 3:
    assert rounds_ < 3
    rounds = rounds + 1
    rounds_ += 1
for __ in range(2):
    rounds = rounds + print_
# - while: would raise: `rounds > 0` still holds after 2 rounds
rounds = 6
t6 = str_.sum()
d_t6 = np.ones_like(t6)
d_str_ = np.broadcast_to(d_t6, (2,))
d_F = d_str_ * 3
d_t2 = (d_str_ * range_).astype(np.float32)
d_F = d_F + d_t2 * 2
d_F = d_F + d_str_ * np_
F_grad = d_F
print(F_grad)
print(error)
print(_)
print(rounds)
print(text)
print(e)
print(tensor)
# str.grad_fn is <AddBackward0>
F_grad = np.zeros_like(F)
print(F_grad)

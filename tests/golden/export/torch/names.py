# Names that Python, the script or torch has

import re

import torch


def text(value):
    """What `print` shows, without addresses."""
    return re.sub(r" object at 0x\w+", "", str(value))


torch.manual_seed(0)

e = 0.5
print_ = 2


def torch_(F_, ctx_):
    return F_ * ctx_


def text__(result):
    return result * 2


class Np(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x * 3

    @staticmethod
    def backward(ctx, grad):
        return grad * 3


np__ = Np.apply


F_ = torch.ones(2, requires_grad=True)
np_ = torch.tensor([1.0, 2.0])
range_ = torch.tensor(3)
error = torch.tensor(1.0)
_ = torch.tensor(2.0)
text_ = torch.tensor(1.5)
tensor = torch.ones(1)

str_ = torch_(F_, np_) + text__(F_) * range_ + np__(F_)
rounds = 0
rounds_ = 0
while rounds < 3:
    assert rounds_ < 3, "`rounds < 3` still holds after 3 rounds"
    rounds = rounds + 1
    rounds_ += 1
for __ in range(2):
    rounds = rounds + print_
try:
    rounds__ = 0
    while rounds > 0:
        assert rounds__ < 2, "`rounds > 0` still holds after 2 rounds"
        rounds___ = 0
        while rounds > 6:
            assert rounds___ < 3, "`rounds > 6` still holds after 3 rounds"
            rounds = rounds - 1
            rounds___ += 1
        rounds__ += 1
except Exception as error_:
    assert "still holds after 2 rounds" in str(error_)
else:
    raise AssertionError("no error")
str_.sum().backward()
print(F_.grad)
print(error)
print(_)
print(rounds)
print(text_)
print(e)
print(tensor)
print(text(str_.grad_fn))
for tensor_ in [F_]:
    if tensor_.grad is not None:
        tensor_.grad.zero_()
print(F_.grad)

import jax
import jax.numpy as jnp

jax.config.update("jax_enable_x64", True)


# A number of the round, in forwards and backwards
rate = 0.01

w = jnp.ones(3, dtype=jnp.float32)
data = jnp.array(jnp.arange(12.0, dtype=jnp.float32).reshape((4, 3)), dtype=jnp.float32)
w_grad = None

for i in range(4):
    t1 = w - 1
    bent = (1.0 * jnp.where(t1 > 0, t1, (1.0 + i) * jnp.expm1(t1 * 1.0))).sum()
    loss = (jnp.roll(w * data[i], i).sum() - i) ** 2 / (i + 1) + bent

    def loss_of(w):
        t1 = w - 1
        bent = (1.0 * jnp.where(t1 > 0, t1, (1.0 + i) * jnp.expm1(t1 * 1.0))).sum()
        return (jnp.roll(w * data[i], i).sum() - i) ** 2 / (i + 1) + bent

    d_w = jax.grad(loss_of)(w)
    w_grad = d_w if w_grad is None else w_grad + d_w
    w = w - w_grad * rate
    w_grad = jnp.zeros_like(w)
print(w)
print(loss)


# What one round leaves to the next has a gradient

w = jnp.ones(3, dtype=jnp.float32)
h = jnp.zeros(3, dtype=jnp.float32)
w_grad = None

# t 0
t = 0
h_2 = jnp.tanh(h * 0.5 + w * t + jnp.logaddexp(0, w))
# t 1
t_2 = 1
h_3 = jnp.tanh(
    h_2 * 0.5
    + w
    + jnp.where(
        w * (t_2 + 1.0) > 20.0, w, jnp.logaddexp(0, w * (t_2 + 1.0)) / (t_2 + 1.0)
    )
)
# t 2
t_3 = 2
h_4 = jnp.tanh(
    h_3 * 0.5
    + w * t_3
    + jnp.where(
        w * (t_3 + 1.0) > 20.0, w, jnp.logaddexp(0, w * (t_3 + 1.0)) / (t_3 + 1.0)
    )
)


def f1(w):
    h_2 = jnp.tanh(h * 0.5 + w * t + jnp.logaddexp(0, w))
    h_3 = jnp.tanh(
        h_2 * 0.5
        + w
        + jnp.where(
            w * (t_2 + 1.0) > 20.0, w, jnp.logaddexp(0, w * (t_2 + 1.0)) / (t_2 + 1.0)
        )
    )
    h_4 = jnp.tanh(
        h_3 * 0.5
        + w * t_3
        + jnp.where(
            w * (t_3 + 1.0) > 20.0, w, jnp.logaddexp(0, w * (t_3 + 1.0)) / (t_3 + 1.0)
        )
    )
    return h_4.sum()


d_w = jax.grad(f1)(w)
w_grad = d_w
print(h_4)
print(w_grad)


# What is random is other numbers in each round

w = jnp.ones(3, dtype=jnp.float32)
w_grad = None

# round 0
y = (
    w
    * (jnp.array([0.0, 0.0, 1.0], dtype=jnp.float32) / 0.5)
    * jnp.array([1.2644587, -0.6874264, 0.16038126], dtype=jnp.float32)
)


def f1(w):
    y = (
        w
        * (jnp.array([0.0, 0.0, 1.0], dtype=jnp.float32) / 0.5)
        * jnp.array([1.2644587, -0.6874264, 0.16038126], dtype=jnp.float32)
    )
    return y.sum()


d_w = jax.grad(f1)(w)
w_grad = d_w
# round 1
y_2 = (
    w
    * (jnp.array([1.0, 0.0, 1.0], dtype=jnp.float32) / 0.5)
    * jnp.array([-0.6064512, -0.59663534, 0.18203649], dtype=jnp.float32)
)


def f2(w):
    y_2 = (
        w
        * (jnp.array([1.0, 0.0, 1.0], dtype=jnp.float32) / 0.5)
        * jnp.array([-0.6064512, -0.59663534, 0.18203649], dtype=jnp.float32)
    )
    return y_2.sum()


d_w = jax.grad(f2)(w)
w_grad = w_grad + d_w
print(y_2)
print(w_grad)

# Constants and parameters that steps bind

import jax
import jax.numpy as jnp

jax.config.update("jax_enable_x64", True)

n = 3
name = "a \"quoted\" 'text'"
e = jnp.e

x = jnp.array([1.0, 2.0], dtype=jnp.float32)

print(e)
print(n)
print(jnp.pi)
print(name)
for i in range(2):
    e = e + i
    n = n * 2
print(e)
print(n)
print(x * 3 * jnp.e)
print(-jnp.inf)
del n

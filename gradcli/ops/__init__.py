"""PyTorch's operations as a table: one operation is one row (see `define`)."""

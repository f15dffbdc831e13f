"""What a run found, as plain data (`model`), and how it is shown: text, terminal, JSON."""

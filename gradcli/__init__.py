"""gradcli: a gradient calculator for the terminal."""

__version__ = "0.1.0"

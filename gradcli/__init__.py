"""gradcli: a gradient calculator for the terminal, and for programs through `gradcli.run`."""

TYPE_CHECKING = False  # what type checkers take for true, without importing typing

__version__ = "0.1.0"
__all__ = ["Report", "UserError", "run"]

if TYPE_CHECKING:
    from gradcli.api import Report, UserError, run
else:

    def __getattr__(name: str) -> object:
        # imported when they are asked for: `gradcli --version` needs none of it
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from gradcli import api

        return getattr(api, name)

"""`motcua demo` and `motcua smoke`: the whole system on this machine."""

from __future__ import annotations

import typer


def demo() -> None:
    """Run everything on this machine, live, until Ctrl-C."""
    from motcua.sandbox.demo import run_demo

    raise typer.Exit(run_demo())


def smoke() -> None:
    """Run everything without hands, wait for delivered messages, check, stop."""
    from motcua.sandbox.smoke import run_smoke

    raise typer.Exit(run_smoke())

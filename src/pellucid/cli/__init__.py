"""The `pellucid` command: `main` is its entry point, one file a subcommand."""

from pellucid.cli.app import app, main

__all__ = ["app", "main"]

"""completion: what a shell has to be told so that it completes subcommands and options."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

__all__ = ["completion"]

SHELLS = ("bash", "zsh", "fish")


@click.command(
    epilog="""\b
For all shells to come:
  bash  echo 'eval "$(pyspike completion bash)"' >> ~/.bashrc
  zsh   echo 'eval "$(pyspike completion zsh)"' >> ~/.zshrc
  fish  pyspike completion fish > ~/.config/fish/completions/pyspike.fish
"""
)
@click.argument("shell", type=click.Choice(SHELLS))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print what makes a shell complete subcommands and options of pyspike."""
    kind = get_completion_class(shell)
    assert kind is not None  # click has all three
    root = context.find_root()
    click.echo(kind(root.command, {}, "pyspike", "_PYSPIKE_COMPLETE").source())

"""What `doctor` finds: each thing that was looked at, how it is, and what to do.

Owns: the form of a finding, and how they are printed. Not here: looking.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Any

import click

__all__ = ["Finding", "Level", "findings_to_json", "ok", "print_findings", "problem", "warning"]


class Level(Enum):
    """How it is: well, to be looked at, or such that commands fail."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at.

    Args:
        level: how it is.
        subject: what was looked at, such as "node A1".
        text: what was found.
        advice: what to do; empty if nothing is to be done.
    """

    level: Level
    subject: str
    text: str
    advice: str = ""


def ok(subject: str, text: str) -> Finding:
    """A finding that all is well."""
    return Finding(Level.OK, subject, text)


def warning(subject: str, text: str, advice: str) -> Finding:
    """A finding that somebody should look at."""
    return Finding(Level.WARNING, subject, text, advice)


def problem(subject: str, text: str, advice: str) -> Finding:
    """A finding by which commands fail."""
    return Finding(Level.PROBLEM, subject, text, advice)


def findings_to_json(findings: Iterable[Finding]) -> list[dict[str, Any]]:
    """What `doctor --json` prints."""
    return [
        {"level": each.level.value, "subject": each.subject, "text": each.text, "advice": each.advice}
        for each in findings
    ]


def print_findings(findings: Iterable[Finding]) -> None:
    """Print them, each on a line, with the advice below."""
    colors = {Level.OK: "green", Level.WARNING: "yellow", Level.PROBLEM: "red"}
    width = max(len(level.value) for level in Level)
    for each in findings:
        word = click.style(f"{each.level.value:{width}}", fg=colors[each.level])
        click.echo(f"{word}  {each.subject}: {each.text}")
        if each.advice:
            click.echo(f"{'':{width}}  -> {each.advice}")

"""What every command gets: the screen, and the clone, opened when first asked for."""

from __future__ import annotations

import difflib
import functools
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import click

from grader.errors import UsageError
from grader.reports import phrases
from grader.verdicts.verdicts import Standing
from tito.clone.clone import Clone, current_folder, open_clone
from tito.screen import Screen
from tito.standing.reconcile import Reconciled

MAX_SENTENCE = 200  # characters of a command's first sentence
Command = TypeVar("Command", bound=Callable[..., Any])


class App:
    def __init__(self, screen: Screen, environment: Mapping[str, str]) -> None:
        self.screen = screen
        self.environment = environment

    @functools.cached_property
    def clone(self) -> Clone:
        return open_clone(current_folder(), self.environment, self.screen.progress)

    def reconcile(self, *, quiet: bool = False) -> Reconciled:
        """The standing of HEAD, both progress files brought up to date, news told.

        quiet: standard output belongs to a JSON document; only what went wrong is said.
        """
        found = self.clone.reconcile()
        if quiet:
            for message in found.messages:
                self.screen.warn(f"tito: {message}")
        elif said := news(found):
            self.screen.say(f"{said}\n")
        return found

    def next(self, standing: Standing) -> None:
        self.screen.say(f"\nNext: {phrases.next_step(standing)}")


def news(found: Reconciled) -> str:
    return phrases.news(
        found.after,
        found.newly_complete,
        found.newly_unlocked,
        found.newly_achieved,
        found.messages,
        with_next=False,
    )


pass_app = click.make_pass_decorator(App)


def json_option(command: Command) -> Command:
    return click.option(
        "--json", "as_json", is_flag=True, help="Print one JSON document, for programs."
    )(command)


def example(*lines: str) -> str:
    """The end of a command's help."""
    return "\b\nExample:\n" + "\n".join(f"  {line}" for line in lines)


def first_example(command: click.Command) -> str:
    """The first line that example() was given, "" for a command without."""
    lines = (command.epilog or "").splitlines()
    return lines[2].strip() if len(lines) > 2 else ""


class Group(click.Group):
    """A group that knows what was probably meant, and shows its help when asked for nothing."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  # click's signature
        """In the order in which they are needed, not in that of the alphabet."""
        return list(self.commands)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Each with its whole sentence: click would cut it."""
        shown = [(name, self.commands[name]) for name in self.list_commands(ctx)]
        with formatter.section("Commands"):
            formatter.write_dl([(n, c.get_short_help_str(MAX_SENTENCE)) for n, c in shown])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        known = self.list_commands(ctx)
        if args and args[0] not in known and not args[0].startswith("-"):
            close = difflib.get_close_matches(args[0], known, n=1, cutoff=0.5)
            raise UsageError(
                f"There is no command '{ctx.command_path} {args[0]}'.",
                hint=f"Did you mean '{ctx.command_path} {close[0]}'?"
                if close
                else f"{ctx.command_path} --help lists them all.",
            )
        return super().resolve_command(ctx, args)


Group.group_class = Group


def help_of(ctx: click.Context) -> int:
    """What a group does when no command is named."""
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())
    return 0

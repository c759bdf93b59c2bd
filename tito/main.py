"""tito: the course's command line. Parses, dispatches, and is where every error ends."""

from __future__ import annotations

import os
import sys
import tempfile
import traceback
from pathlib import Path

import click

from grader.authors import release
from grader.errors import TitoError, UsageError
from grader.sources.git import Git, find_top
from tito.app import App, Group, example, first_example, help_of
from tito.clone.clone import by_hand, current_folder
from tito.commands import COMMANDS
from tito.screen import Screen

LOG_FILE = "tito.log"
INTERRUPTED = 130
PIPE_CLOSED = 141  # what a shell shows for a program whose reader went away


def _version(ctx: click.Context, _option: click.Parameter, asked: bool) -> None:
    """Of the code that runs: what it was released from, or what pip knows of it."""
    if not asked or ctx.resilient_parsing:
        return
    import importlib.metadata  # 20 ms of every command, where it stands above

    origin = release.origin_of(Path(__file__).parents[1])
    try:
        said = str(origin or importlib.metadata.version("tinytorch-course"))
    except importlib.metadata.PackageNotFoundError:
        said = "(not installed)"
    click.echo(f"tito {said}")
    ctx.exit()


@click.group(
    cls=Group,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=example("tito status", "tito module start 00", "tito milestone run perceptron"),
)
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_version,
    help="Show the version, and the commit of the course that it was released from.",
)
@click.pass_context
def cli(ctx: click.Context) -> int:
    """Build your own PyTorch, module by module.

    Write the code of a module, commit it, and the course tests, exports and unlocks.
    """
    return help_of(ctx)


for _command in COMMANDS:
    cli.add_command(_command)


def main(argv: list[str] | None = None) -> int:
    """The exit status: 0 fine, 1 the student must act, 2 wrong usage or course, 3 our fault."""
    screen = Screen(sys.stdout, sys.stderr, os.environ)
    app = App(screen, os.environ)
    try:
        status = cli.main(argv, prog_name="tito", standalone_mode=False, obj=app)
        sys.stdout.flush()
    except TitoError as error:
        screen.error(error)
        return error.exit_code
    except click.Abort:
        screen.warn("\ntito: stopped.")
        return INTERRUPTED
    except KeyboardInterrupt:
        screen.warn("\ntito: stopped.")
        return INTERRUPTED
    except click.ClickException as error:
        screen.error(_usage(error))
        return error.exit_code
    except BrokenPipeError:
        # The reader (head, less) has left. Python would complain again while it shuts down.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return PIPE_CLOSED
    except Exception as bug:  # noqa: BLE001  # the boundary: nobody is shown a traceback
        return _ours(bug, screen)
    finally:
        screen.wipe()
    return int(status or 0)


def _usage(error: click.ClickException) -> UsageError:
    context = getattr(error, "ctx", None)
    path = context.command_path if context is not None else "tito"
    what = error.format_message()
    hint = f"{path} --help"
    if context is not None and isinstance(error, click.MissingParameter):
        hint = f"For example: {first_example(context.command)}   (more: {hint})"
    return UsageError(what if what.endswith((".", "?")) else f"{what}.", hint=hint)


def _ours(bug: Exception, screen: Screen) -> int:
    """One sentence that names the log with the details."""
    screen.warn(
        f"tito: tito failed, not you ({type(bug).__name__}: {bug}). Your work was not judged.\n"
        f"-> Report it with the details in {_log(bug)}"
    )
    return 3


def _log(bug: Exception) -> str:
    details = "".join(traceback.format_exception(bug)) + "\n"
    try:
        environment = by_hand(os.environ)
        folder = Git(find_top(current_folder(), environment), environment).common_directory()
        path = folder / "tito" / LOG_FILE
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as file:
            file.write(details)
    except (TitoError, OSError):
        handle, name = tempfile.mkstemp(prefix="tito-", suffix=".log", text=True)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(details)
        path = Path(name)
    return str(path)

"""tito export"""

from __future__ import annotations

from pathlib import Path

import click

from grader.errors import StudentError
from grader.files import write_whole
from grader.reports import phrases
from grader.reports.formats import json as reports_json
from grader.sources.snapshots import PACKAGE, Snapshot
from grader.verdicts.verdicts import Plan, plan_exports
from tito.app import App, example, json_option, pass_app
from tito.clone.clone import Clone
from tito.worktree import staging


@click.command(epilog=example("tito export", "tito export --check"))
@click.option("--check", is_flag=True, help="Write nothing; exit 1 when files differ.")
@click.option("--force", is_flag=True, help="Overwrite edits that git does not have.")
@json_option
@pass_app
def export(app: App, check: bool, force: bool, as_json: bool) -> int:
    """Write tinytorch/ from the lessons whose tests pass.

    Takes the lessons as they lie in the working tree. A commit does the same for what it
    commits, so this is for looking, and for repairing.
    """
    clone = app.clone
    snapshot = clone.working_tree()
    plan = plan_exports(clone.engine.grade(snapshot))
    if as_json:
        values = {"write": list(plan.write), "remove": list(plan.remove), "clean": plan.empty}
        app.screen.json(reports_json.dumps(values))
    elif plan.empty:
        app.screen.say("tinytorch/ is what your lessons export.")
    elif check:
        app.screen.say(phrases.drifting((*plan.write, *plan.remove)))
    if check:
        return 0 if plan.empty else 1
    if not force:
        refuse_lost_edits(clone, snapshot, plan)
    refuse_links(clone.top, plan)
    for line in apply(clone, plan):
        if not as_json:
            app.screen.say(line)
    return 0


def refuse_lost_edits(clone: Clone, snapshot: Snapshot, plan: Plan) -> None:
    """Raises StudentError for a file whose present content git could not give back."""
    for path in (*plan.write, *plan.remove):
        entry = snapshot.entries.get(path)
        if entry is None or not entry.regular:
            continue
        if clone.git.text("cat-file", "-t", entry.blob, check=False) != "blob":
            raise StudentError(
                f"{path} was edited by hand, and git does not have these edits.",
                hint=f"To keep them: git stash push --include-untracked -- {path}\n"
                "   To overwrite them: tito export --force",
            )


def refuse_links(top: Path, plan: Plan) -> None:
    """Raises StudentError when a folder of the package leads somewhere else."""
    for path in (*plan.write, *plan.remove):
        for folder in Path(path).parents[:-1]:
            if (top / folder).is_symlink():
                raise StudentError(
                    f"{folder.as_posix()} is a symbolic link; exports stay inside the clone.",
                    hint=f"rm {folder.as_posix()}, then tito export",
                )


def apply(clone: Clone, plan: Plan) -> list[str]:
    """Write and remove; the content also goes to git, so that a later export may replace it."""
    said = []
    known = clone.private / "exports"
    for path in plan.write:
        content = plan.files[path]
        blob = clone.git.run("hash-object", "-w", "--stdin", stdin=content.encode()).decode()
        staging.remember(known, blob.strip())
        target = clone.top / path
        target.parent.mkdir(parents=True, exist_ok=True)
        write_whole(target, content)
        target.chmod(0o644)  # mkstemp's 0600 would show up as a private file
        said.append(f"wrote   {path}")
    for path in plan.remove:
        (clone.top / path).unlink(missing_ok=True)
        said.append(f"removed {path}  (its lesson is not complete)")
    if said:
        said.append(f"-> git add {PACKAGE}, or let the next tito module complete do it")
    return said

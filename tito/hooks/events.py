"""What git is doing while a hook runs. Imports nothing that costs, for the fast path."""

import os

TYPE_CHECKING = False  # importing it, or collections.abc, costs 2 ms of every commit
if TYPE_CHECKING:
    from collections.abc import Callable

_STATES = ("rebase-merge", "rebase-apply")


def rebasing(git_dir: str) -> bool:
    """In a rebase (or `git am`), and not at its end."""
    ended = (
        os.environ.get("TITO_EVENT") == "post-rewrite rebase"
        or os.environ.get("PRE_COMMIT_REWRITE_COMMAND") == "rebase"
    )
    return not ended and any(os.path.isdir(os.path.join(git_dir, state)) for state in _STATES)


def merging_cleanly(git_dir: "Callable[[], object]") -> bool:
    """In the pre-merge-commit hook of a merge without conflicts.

    git has made the tree of such a commit before it asks the hook, and ignores what the hook adds
    to the index. A merge that somebody concludes with git commit has MERGE_HEAD, and does not.
    """
    event = os.environ.get("TITO_EVENT") or os.environ.get("PREK_HOOK_STAGE") or ""
    action = os.environ.get("GIT_REFLOG_ACTION", "").split(" ")[0]
    # The framework pre-commit, installed without tito setup, does not tell the stage.
    if not event.startswith("pre-merge-commit") and (event or action not in ("merge", "pull")):
        return False
    return not os.path.exists(os.path.join(str(git_dir()), "MERGE_HEAD"))

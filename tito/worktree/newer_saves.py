"""What an editor saves while a framework has put unstaged edits aside.

pre-commit and prek put the older edits back afterwards, over the newer ones. So these are copied to
where the student finds them.
"""

from __future__ import annotations

import shutil
import time
from pathlib import Path

from grader.sources.git import Git
from tito.worktree import put_aside


def keep_newer(git: Git, parent: int, folder: Path) -> str:
    """Copy files that changed since their edits were put aside. What to say, "" for nothing.

    parent: the process id of the framework.  folder: where the copies go.
    """
    hidden = put_aside.of_process(parent, git.environment)
    if not hidden:
        return ""
    listing = git.run("diff", "--no-ext-diff", "--name-only", "-z")
    changed = [
        path
        for path in listing.decode("utf-8", "surrogateescape").split("\0")[:-1]
        if (git.top / path).is_file()
    ]
    if not changed:
        return ""
    place = folder / time.strftime("%Y%m%d-%H%M%S")
    try:
        for path in changed:
            copy = place / path
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(git.top / path, copy)
    except OSError as error:
        return (
            f"tito: {', '.join(changed)} changed while the tests ran, and no copy can be made in "
            f"{folder} ({error.strerror}). -> Save again in your editor, which has the newer one"
        )
    return (
        f"tito: {', '.join(changed)} changed while the tests ran; the version from before them "
        f"comes back now. The newer one is kept: {place / changed[0]}"
    )

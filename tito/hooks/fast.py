"""Has exactly this been judged before? Answered with two git calls and no engine.

A memo is a file named by a hash of everything that could change the answer: what HEAD holds, the
rules, the starters, the engine, NumPy, and for post the progress files. It says that this tree was
graded, that its exports match, and (pre) that a commit which changes no lesson and no export has
nothing to judge. Deleting memos costs time only. Imports nothing that costs.
"""

import hashlib
import os
import sys

from grader.rules import parts
from tito.hooks.events import rebasing

MEMOS_KEPT = 200
FOLDERS = ("modules", "tinytorch")


class Memo:
    """known: this was judged, and there was nothing to do.  text: what to say.

    head, index: what git listed on the way (ls-tree, ls-files), None when it was not asked.
    """

    __slots__ = ("head", "index", "known", "path", "text")

    def __init__(
        self,
        path: str = "",
        text: str = "",
        known: bool = False,
        head: bytes | None = None,
        index: bytes | None = None,
    ) -> None:
        self.path = path
        self.text = text
        self.known = known
        self.head = head
        self.index = index

    def remember(self, text: str) -> None:
        """Say TEXT at once the next time. A full or read-only disk only costs time."""
        if not self.path:
            return
        folder = os.path.dirname(self.path)
        try:
            os.makedirs(folder, exist_ok=True)
            _forget_old(folder)
            temporary = f"{self.path}.{os.getpid()}"
            with open(temporary, "w", encoding="utf-8") as file:
                file.write(text)
            os.replace(temporary, self.path)
        except OSError:
            self.path = ""


def look_up(stage: str, top: str) -> Memo:
    """The memo of what is being committed. Not known whenever anything is unusual."""
    git_dir = os.environ.get("GIT_DIR") or os.path.join(top, ".git")
    if not os.path.isdir(git_dir) or not hasattr(os, "posix_spawnp"):
        return Memo()
    if stage == "post" and rebasing(git_dir):
        return Memo(known=True)  # one pass at the end of the rebase does the work
    head = _git("ls-tree", "-r", "-z", "HEAD", "--", *FOLDERS)
    if head is None:
        return Memo()
    if stage == "pre":
        index = _git("ls-files", "-s", "-z", "--", *FOLDERS)
        # Without GIT_INDEX_FILE it is run by hand, and with a change there is something to judge.
        if "GIT_INDEX_FILE" not in os.environ or index is None or _rows(index) != _rows(head):
            return Memo(head=head, index=index)
    memo = _memo(stage, top, git_dir, head)
    try:
        with open(memo.path, encoding="utf-8") as file:
            return Memo(memo.path, file.read(), known=True)
    except (OSError, ValueError):
        return memo


def settle(top: str) -> None:
    """Remember that HEAD, as it is now, has nothing left to do in either stage."""
    git_dir = os.environ.get("GIT_DIR") or os.path.join(top, ".git")
    head = _git("ls-tree", "-r", "-z", "HEAD", "--", *FOLDERS) if os.path.isdir(git_dir) else None
    if head is not None:
        for stage in ("pre", "post"):
            _memo(stage, top, git_dir, head).remember("")


def _memo(stage: str, top: str, git_dir: str, head: bytes) -> Memo:
    digest = hashlib.sha256(head + _rules_digest(top))
    if stage == "post":
        home = os.environ.get("HOME") or os.path.expanduser("~")
        _add(digest, os.path.join(top, "progress.json"))
        _add(digest, os.path.join(home, ".tinytorch", "progress.json"))
    return Memo(os.path.join(git_dir, "tito-memos", f"{stage}-{digest.hexdigest()}"))


def _rows(listing: bytes) -> list[tuple[bytes, bytes, bytes]]:
    """(mode, object, path) of each file, from ls-files -s ("mode object stage") or ls-tree
    ("mode type object"). An unmerged path keeps its stage, so it equals nothing."""
    rows = []
    for row in listing.split(b"\0")[:-1]:
        meta, _, path = row.partition(b"\t")
        mode, second, third = meta.split(b" ")
        rows.append((mode, second if third == b"0" else third, path))
    return rows


_known_rules: list[bytes] = []  # of this process: the rules do not change while a hook runs


def _rules_digest(top: str) -> bytes:
    if not _known_rules:
        digest = hashlib.sha256(sys.version.encode())
        for path in _rules(top):
            _add(digest, path)
        _known_rules.append(digest.digest())
    return _known_rules[0]


def _rules(top: str) -> list[str]:
    """The files whose content decides what a commit is told, beside what git records."""
    paths = [_numpy_version()]
    for part in parts.having("judge", "local"):
        place = os.path.join(top, part)
        paths += parts.python_files(place) if os.path.isdir(place) else [place]
    return paths


def _numpy_version() -> str:
    version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    prefix = os.path.dirname(os.path.dirname(sys.executable))
    return os.path.join(prefix, "lib", version, "site-packages", "numpy", "version.py")


def _add(digest: "hashlib._Hash", path: str) -> None:
    digest.update(path.encode("utf-8", "surrogateescape"))
    try:
        with open(path, "rb") as file:
            digest.update(hashlib.sha256(file.read()).digest())
    except OSError:
        digest.update(b"absent")


def _forget_old(folder: str) -> None:
    names = os.listdir(folder)
    if len(names) > MEMOS_KEPT:
        for name in names:
            os.unlink(os.path.join(folder, name))


def _git(*arguments: str) -> bytes | None:
    """Standard output, None when git fails. posix_spawn: importing subprocess costs 13 ms."""
    read, write = os.pipe()
    null = os.open(os.devnull, os.O_WRONLY)
    actions = [(os.POSIX_SPAWN_DUP2, write, 1), (os.POSIX_SPAWN_DUP2, null, 2)]
    # As grader.sources.git does, which reads the same objects.
    environment = {**os.environ, "GIT_OPTIONAL_LOCKS": "0", "GIT_NO_REPLACE_OBJECTS": "1"}
    try:
        child = os.posix_spawnp("git", ["git", *arguments], environment, file_actions=actions)
    except OSError:
        os.close(read)
        return None
    finally:
        os.close(write)
        os.close(null)
    with os.fdopen(read, "rb") as pipe:
        output = pipe.read()
    _, status = os.waitpid(child, 0)
    return output if status == 0 else None

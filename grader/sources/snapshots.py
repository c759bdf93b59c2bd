"""The untrusted bytes under judgement: one git tree, or the files as they lie on disk."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from grader.errors import StudentError
from grader.sources.git import Git, GitError

MAX_FILE_BYTES = 512 * 1024
LESSONS = "modules"
PACKAGE = "tinytorch"
REGULAR = ("100644", "100755")
# PEP 263: in one of the first two lines, and the first is a comment or empty.
_COOKIE = re.compile(r"(?:[ \t\f]*(?:#[^\n]*)?\n)?[ \t\f]*#[^\n]*?coding[:=][ \t]*([-\w.]+)")
_UTF8 = ("utf-8", "utf8", "utf-8-sig", "ascii", "us-ascii")


@dataclass(frozen=True, slots=True)
class Entry:
    """mode: git's ("100644", "120000" for a link).  blob: the object id of the content.

    refusal: why it is not read at all (grader.sources.ingest), "" for most.
    """

    mode: str
    blob: str
    refusal: str = ""

    @property
    def regular(self) -> bool:
        return self.mode in REGULAR and not self.refusal


class _Reader(Protocol):
    def __call__(self, paths: Iterable[str]) -> dict[str, bytes]:
        """What can be read of them: a path whose content git cannot give is left out."""
        ...


@dataclass(frozen=True, slots=True)
class Snapshot:
    """name: "index", "working tree" or a commit id.  entries: path -> Entry under modules/ and tinytorch/."""

    name: str
    entries: Mapping[str, Entry]
    reader: _Reader

    def fetch(self, paths: Iterable[str]) -> None:
        """Read several files at once, for text() to find: each read of its own is two processes."""
        self.reader([p for p in paths if p in self.entries and self.entries[p].regular])

    def text(self, path: str) -> str | None:
        """The file as text, None when it is not there.

        Raises StudentError for a link, a submodule, too many bytes, bytes that are not UTF-8, or
        an object that git does not have or cannot read.
        """
        entry = self.entries.get(path)
        if entry is None:
            return None
        if entry.refusal:
            raise StudentError(entry.refusal, hint=f"Commit {path} as a file of its own.")
        if not entry.regular:
            kind = "a symbolic link" if entry.mode == "120000" else "not a regular file"
            raise StudentError(
                f"{path} is {kind}; only regular files are graded.",
                hint=f"Replace it by the file itself: rm {path}, then save the lesson there.",
            )
        raw = self.reader([path]).get(path)
        if raw is None:
            raise StudentError(
                f"git cannot read the content of {path} (object {entry.blob[:12]}).",
                hint="The repository is incomplete or damaged: git fsck, then fetch again.",
            )
        return decode(raw, path)


def decode(raw: bytes, path: str) -> str:
    """The text of a file. Raises StudentError for too many bytes, or bytes that are not UTF-8."""
    if len(raw) > MAX_FILE_BYTES:
        raise StudentError(
            f"{path} is larger than {MAX_FILE_BYTES // 1024} KiB, the most that is graded.",
            hint="Move large data out of the lesson.",
        )
    try:
        # Line ends do not change what Python runs, so they do not change the verdict.
        text = raw.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise StudentError(
            f"{path}, line {line}: a byte here is not UTF-8.", hint="Save the file as UTF-8."
        ) from None
    if "\0" in text:
        line = text[: text.index("\0")].count("\n") + 1
        raise StudentError(
            f"{path}, line {line}: a zero byte, which no Python source holds.",
            hint="Save the file again as UTF-8 text.",
        )
    cookie = _COOKIE.match(text)
    if cookie and cookie.group(1).lower().replace("_", "-") not in _UTF8:
        raise StudentError(
            f"{path} says that it is written in {cookie.group(1)[:40]}; only UTF-8 is read.",
            hint="Remove the line with 'coding' at its top.",
        )
    return text


def of_index(git: Git, listing: bytes | None = None) -> Snapshot:
    """What git will record: the index that GIT_INDEX_FILE names, else the usual one.

    listing: of git ls-files --stage -z, for a caller who has it.
    """
    entries: dict[str, Entry] = {}
    if listing is None:
        listing = git.run("ls-files", "--stage", "-z", "--", LESSONS, PACKAGE)
    for row in _rows(listing):
        meta, path = row.split("\t", 1)
        mode, blob, stage = meta.split(" ")
        if stage == "0":  # an unmerged path has no content to judge; git refuses to commit it
            entries[path] = Entry(mode, blob)
    return Snapshot("index", entries, BlobReader(git, entries))


def of_commit(git: Git, revision: str) -> Snapshot:
    """The tree of one commit. An empty snapshot when REVISION has neither folder."""
    return of_resolved(git, git.text("rev-parse", "--verify", f"{revision}^{{commit}}"))


def of_resolved(git: Git, commit: str) -> Snapshot:
    """of_commit() for a commit id that git gave us: one process less."""
    return of_tree_listing(
        git, commit, git.run("ls-tree", "-r", "-z", commit, "--", LESSONS, PACKAGE)
    )


def of_tree_listing(git: Git, commit: str, listing: bytes) -> Snapshot:
    """of_resolved() for a caller who has the listing of git ls-tree -r -z."""
    entries: dict[str, Entry] = {}
    for row in _rows(listing):
        meta, path = row.split("\t", 1)
        mode, _kind, blob = meta.split(" ")
        entries[path] = Entry(mode, blob)
    return Snapshot(commit, entries, BlobReader(git, entries))


def of_working_tree(top: Path) -> Snapshot:
    """The files as they lie on disk now, tracked or not: read once, whatever an editor saves later."""
    entries: dict[str, Entry] = {}
    contents: dict[str, bytes] = {}
    for folder in (LESSONS, PACKAGE):
        if (top / folder).is_symlink():
            continue  # git records a link here, and nothing in it
        for path in sorted((top / folder).rglob("*.py")):
            relative = path.relative_to(top).as_posix()
            if path.is_symlink():
                entries[relative] = Entry("120000", "")
            elif path.is_file():
                contents[relative] = read_at_most(path)
                entries[relative] = Entry("100644", blob_id(contents[relative]))

    def read(paths: Iterable[str]) -> dict[str, bytes]:
        return {p: contents[p] for p in paths}

    return Snapshot("working tree", entries, read)


def read_at_most(path: Path) -> bytes:
    """One byte more than decode() takes, so that nothing huge is read."""
    with path.open("rb") as file:
        return file.read(MAX_FILE_BYTES + 1)


def blob_id(content: bytes, digits: int = 40) -> str:
    """The object id that git gives CONTENT. digits: 64 in a SHA-256 repository."""
    header = b"blob %d\0" % len(content)
    name = "sha256" if digits == 64 else "sha1"
    return hashlib.new(name, header + content, usedforsecurity=False).hexdigest()


def _rows(listing: bytes) -> list[str]:
    # surrogateescape: a path may be any bytes; it comes back unchanged when git gets it again.
    return listing.decode("utf-8", "surrogateescape").split("\0")[:-1]


class BlobReader:
    """Reads blobs through one `git cat-file --batch`; sizes first, so that nothing huge is read."""

    def __init__(self, git: Git, entries: Mapping[str, Entry]) -> None:
        self._git = git
        self._entries = entries
        self._cache: dict[str, bytes | None] = {}  # None: git cannot give it

    def __call__(self, paths: Iterable[str]) -> dict[str, bytes]:
        wanted = {p: self._entries[p].blob for p in paths}
        blobs = sorted(set(wanted.values()) - self._cache.keys())
        if blobs:
            self._fetch(blobs)
        return {
            p: content for p, blob in wanted.items() if (content := self._cache[blob]) is not None
        }

    def _fetch(self, blobs: list[str]) -> None:
        """Into the cache. git ends at the first damaged object: then they are asked one by one."""
        try:
            self._cache |= self._batch(blobs)
        except GitError:
            if len(blobs) == 1:
                self._cache[blobs[0]] = None
                return
            for blob in blobs:
                self._fetch([blob])

    def _batch(self, blobs: list[str]) -> dict[str, bytes | None]:
        found: dict[str, bytes | None] = dict.fromkeys(blobs)
        request = "".join(f"{b}\n" for b in blobs).encode()
        sizes = self._git.run(
            "cat-file", "--batch-check=%(objectname) %(objectsize)", stdin=request
        )
        small = []
        for line in sizes.decode("ascii", "replace").splitlines():
            blob, size = line.rsplit(" ", 1)
            if size.isdecimal() and int(size) <= MAX_FILE_BYTES:
                small.append(blob)
            elif size.isdecimal():
                # Longer than the limit, so text() refuses it, without reading the original.
                found[blob] = b"\0" * (MAX_FILE_BYTES + 1)
        content = self._git.run(
            "cat-file", "--batch", stdin="".join(f"{b}\n" for b in small).encode()
        )
        position = 0
        for blob in small:
            header_end = content.index(b"\n", position)
            end = header_end + 1 + int(content[position:header_end].rsplit(b" ", 1)[1])
            raw = content[header_end + 1 : end]
            # git hands out what lies under a name without asking whether it is what was named.
            found[blob] = raw if blob_id(raw, len(blob)) == blob else None
            position = end + 1
        return found

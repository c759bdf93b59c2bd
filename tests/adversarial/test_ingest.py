"""What a repository may hold: nothing of it runs, nothing is read that is not a source."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
import zlib

import pytest

from grader.errors import StudentError
from grader.grading.engine import Engine
from grader.grading.ledgers.memory import MemoryLedger
from grader.sandbox import SANDBOXES
from grader.sources import ingest
from grader.sources.git import Git
from grader.sources.snapshots import MAX_FILE_BYTES, of_working_tree
from grader.verdicts.facts import Outcome
from grader.verdicts.verdicts import ModuleState
from tests.grader.small_course import complete, course, lessons, path, todo
from tests.tiers import first

ONE, TWO = path("00_one"), path("01_two")


def read(repo, revision: str = "HEAD"):
    return ingest.snapshot(ingest.untrusted(repo.top, os.environ), revision, course())


def refusal(repo, file: str = ONE) -> str:
    with pytest.raises(StudentError) as refused:
        read(repo).text(file)
    assert refused.value.hint
    return refused.value.what


def with_tree(repo, *rows: tuple[str, str, bytes]) -> str:
    """A commit whose root tree has these entries, (mode, name, id), made without git's checks."""
    tree = b"".join(f"{mode} {name}".encode() + b"\0" + bytes.fromhex(i) for mode, name, i in rows)
    made = repo.git("hash-object", "-t", "tree", "--literally", "-w", "--stdin", stdin=tree)
    commit = repo.git("commit-tree", made, "-m", "odd")
    repo.git("update-ref", "refs/heads/main", commit)
    return commit


def tree_of(repo, *rows: tuple[str, str, str]) -> str:
    tree = b"".join(f"{mode} {name}".encode() + b"\0" + bytes.fromhex(i) for mode, name, i in rows)
    return repo.git("hash-object", "-t", "tree", "--literally", "-w", "--stdin", stdin=tree)


def blob_of(repo, content: bytes) -> str:
    return repo.git("hash-object", "-w", "--stdin", stdin=content)


def test_an_ordinary_commit_is_read_as_it_is(repo, commit):
    made = commit(complete())
    found = read(repo)
    assert found.name == made
    assert {p: found.text(p) for p in complete()} == complete()


def test_only_python_sources_are_entries(repo, commit):
    commit(
        {**complete(), "modules/00_one/notes.txt": "x", "modules/x.pyc": "x", "modules/y.so": "x"}
    )
    assert set(read(repo).entries) == set(complete())


def test_a_link_is_refused_and_costs_its_own_module_only(repo, commit, tmp_path):
    """G08, S15: what it points to is not read, not even into a message."""
    hidden = tmp_path / "hidden.py"
    hidden.write_text("SECRET = 1\n")
    files = complete()
    del files[TWO]
    commit(files)
    (repo.top / TWO).parent.mkdir()
    (repo.top / TWO).symlink_to(hidden)
    repo.git("add", TWO)
    repo.git("commit", "-qm", "link", "--no-verify")
    assert refusal(repo, TWO) == f"{TWO} is a symbolic link; only regular files are graded."
    standing = Engine(course(), MemoryLedger(), SANDBOXES["process"]()).grade(read(repo))
    assert standing.modules["00_one"].state is ModuleState.COMPLETE
    assert standing.modules["02_three"].state is ModuleState.COMPLETE
    second = standing.modules["01_two"]
    assert "symbolic link" in second.checks[0].message
    assert "SECRET" not in str(standing)


def test_a_folder_that_is_a_link_is_named(repo, commit):
    """G07."""
    commit({TWO: lessons()[TWO]})
    (repo.top / "modules" / "00_one").symlink_to("/etc")
    repo.git("add", "modules/00_one")
    repo.git("commit", "-qm", "link", "--no-verify")
    assert refusal(repo) == "modules/00_one is a symbolic link; only regular files are graded."


def test_a_submodule_is_named_and_never_fetched(repo, commit):
    """G09."""
    head = commit({TWO: lessons()[TWO]})
    repo.git("update-index", "--add", "--cacheinfo", f"160000,{head},modules/00_one")
    repo.git("commit", "-qm", "submodule", "--no-verify")
    what = "modules/00_one is a submodule; only files of this repository are graded."
    assert refusal(repo) == what


@pytest.mark.parametrize(
    ("content", "words"),
    [
        pytest.param(b"#" * (MAX_FILE_BYTES + 1), "is larger than 512 KiB", id="G16 700 kB"),
        pytest.param(
            "x = '\u00e4'\n".encode("latin-1"), "line 1: a byte here is not UTF-8", id="latin-1"
        ),
        pytest.param(
            "x = 1\n".encode("utf-16"), "line 1: a byte here is not UTF-8", id="S05 UTF-16"
        ),
        pytest.param(b"x = 1\ny = '\0'\n", "line 2: a zero byte", id="S03 zero byte"),
        pytest.param(b"# coding: utf-7\nx = 1\n", "is written in utf-7", id="S07 UTF-7"),
        pytest.param(
            b"#!/x\n# -*- coding: odd -*-\n", "is written in odd", id="S07 unknown coding"
        ),
        pytest.param(b"# vim: set fileencoding=latin-1 :\n", "is written in latin-1", id="vim"),
    ],
)
def test_what_is_no_source_is_refused_in_one_sentence(repo, commit, content, words):
    commit({**lessons(), ONE: content})
    what = refusal(repo)
    assert words in what
    assert ONE in what
    assert what.endswith(".")


@pytest.mark.parametrize(
    "first", ["# coding: utf-8", "#!/usr/bin/python\n# -*- coding: UTF_8 -*-", "# encoding: ascii"]
)
def test_a_line_that_says_utf8_is_fine(repo, commit, first):
    text = f"{first}\n{lessons()[ONE]}"
    commit({**lessons(), ONE: text})
    assert read(repo).text(ONE) == text


def test_a_huge_file_is_never_read(repo, commit, monkeypatch):
    """G16: its size is known from the tree."""
    commit({**lessons(), ONE: b"#" * 30_000_000})
    found = read(repo)
    monkeypatch.setattr(Git, "run", lambda *_, **__: pytest.fail("git was asked for it"))
    with pytest.raises(StudentError, match="larger than 512 KiB"):
        found.text(ONE)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        pytest.param("a b.py", "not made of letters", id="space"),
        pytest.param("a;rm -rf x.py", "not made of letters", id="G14 shell"),
        pytest.param("a\nb.py", "not made of letters", id="G14 newline"),
        pytest.param("a\u202eyp.py", "not made of letters", id="D06 right to left"),
        pytest.param("L\u0456near.py", "not made of letters", id="S09 looks like another"),
        pytest.param("-x.py", "not made of letters", id="option"),
        pytest.param(".x.py", "not made of letters", id="hidden"),
        pytest.param("aux.py", "device on Windows", id="G13 aux.py"),
        pytest.param("con.x.py", "device on Windows", id="G13 con"),
    ],
)
def test_odd_names_are_refused(repo, commit, name, words):
    commit(lessons())
    blob = blob_of(repo, b"x = 1\n")
    repo.git(
        "update-index", "-z", "--index-info", stdin=f"100644 {blob}\ttinytorch/{name}\0".encode()
    )
    repo.git("commit", "-qm", "odd", "--no-verify")
    what = refusal(repo, f"tinytorch/{name}")
    assert words in what
    assert what.isprintable()


def test_names_that_are_not_utf8_are_refused(repo, commit):
    """G15."""
    commit(lessons())
    blob = blob_of(repo, b"x = 1\n").encode()
    repo.git(
        "update-index", "-z", "--index-info", stdin=b"100644 " + blob + b"\ttinytorch/\xff.py\0"
    )
    repo.git("commit", "-qm", "odd", "--no-verify")
    assert refusal(repo, "tinytorch/\udcff.py").isprintable()


def test_names_that_differ_by_case_are_both_refused(repo, commit):
    """G12: on other machines they are one file, and which one is luck."""
    commit(lessons())
    blob = blob_of(repo, b"x = 1\n")
    other = ONE.replace("one.py", "One.py")
    repo.git("update-index", "--add", "--cacheinfo", f"100644,{blob},{other}")
    repo.git("commit", "-qm", "odd", "--no-verify")
    assert "there twice" in refusal(repo, ONE)
    assert "there twice" in refusal(repo, other)


@pytest.mark.parametrize("name", ["..", ".git", "."])
def test_entries_that_lead_elsewhere_are_refused(repo, name):
    """G10, G11: a tree that git itself would not make."""
    inside = tree_of(repo, ("100644", "x.py", blob_of(repo, b"x = 1\n")))
    modules = tree_of(repo, ("40000", name, inside))
    with_tree(repo, ("40000", "modules", modules))
    assert all(entry.refusal for entry in read(repo).entries.values())


def test_a_git_bomb_is_refused_at_once(repo):
    """G17: ten folders in each of ten folders, and so on: 10**10 names in a small repository."""
    mode, below = "100644", blob_of(repo, b"x = 1\n")
    for level in range(10):
        name = "{}.py" if level == 0 else "d{}"
        below = tree_of(repo, *((mode, name.format(n), below) for n in range(10)))
        mode = "40000"
    with_tree(repo, ("40000", "modules", below))
    started = time.monotonic()
    with pytest.raises(StudentError, match="more than 2000 files"):
        read(repo)
    assert time.monotonic() - started < 5


def test_replacements_are_ignored(repo, commit):
    """G18."""
    commit(complete())
    old = repo.git("rev-parse", f"HEAD:{ONE}")
    new = blob_of(repo, b"def one(): return 'replaced'\n")
    repo.git("replace", old, new)
    assert read(repo).text(ONE) == complete()[ONE]


def test_attributes_are_not_obeyed(repo, commit):
    """G01, G02, G03."""
    attributes = f"{ONE} export-ignore filter=evil working-tree-encoding=UTF-16 ident eol=crlf\n"
    commit(complete())
    commit({".gitattributes": attributes})
    assert read(repo).text(ONE) == complete()[ONE]


def test_nothing_that_the_repository_names_is_started(repo, commit, tmp_path):
    """G04, G05, G06: configuration, hooks and filters of an uploaded repository."""
    commit(complete())
    mark = tmp_path / "started"
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\ntouch {mark}\n")
    program.chmod(0o755)
    for key in (
        "core.fsmonitor",
        "core.pager",
        "core.sshCommand",
        "core.editor",
        "core.alternateRefsCommand",
        "diff.external",
        "filter.evil.smudge",
        "filter.evil.process",
        "gpg.program",
        "remote.origin.uploadpack",
    ):
        repo.git("config", key, str(program))
    repo.git("config", "log.showSignature", "true")
    for hook in ("post-checkout", "post-index-change", "reference-transaction"):
        shutil.copy(program, repo.top / ".git" / "hooks" / hook)
    found = read(repo)
    assert found.text(ONE) == complete()[ONE]
    git = ingest.untrusted(repo.top, os.environ)
    assert git.text("show", "--no-patch", "--format=%ct", found.name).isdecimal()
    assert not mark.exists()


def test_a_missing_object_is_not_fetched(repo, commit, tmp_path):
    """A partial clone would ask its remote, by a program that its configuration names."""
    commit(complete())
    mark = tmp_path / "started"
    blob = repo.git("rev-parse", f"HEAD:{ONE}")
    (repo.top / ".git" / "objects" / blob[:2] / blob[2:]).unlink()
    repo.git("config", "extensions.partialClone", "origin")
    repo.git("config", "remote.origin.url", f"ext::sh -c touch% {mark}")
    repo.git("config", "remote.origin.promisor", "true")
    repo.git("config", "protocol.ext.allow", "always")
    with pytest.raises(StudentError):
        read(repo).text(ONE)
    assert not mark.exists()


def damage(repo, path: str, content: bytes) -> None:
    """Write CONTENT in the place of the object that holds PATH."""
    blob = repo.git("rev-parse", f"HEAD:{path}")
    place = repo.top / ".git" / "objects" / blob[:2] / blob[2:]
    place.chmod(0o644)
    place.write_bytes(content)


def cut_in_half(repo, path: str) -> bytes:
    """What its object holds on the disk, as after a power failure."""
    blob = repo.git("rev-parse", f"HEAD:{path}")
    whole = (repo.top / ".git" / "objects" / blob[:2] / blob[2:]).read_bytes()
    return whole[: len(whole) // 2]


def other_blob(repo, path: str) -> bytes:  # noqa: ARG001  # one of a table of functions
    """An object of another name, in the place of this one."""
    return zlib.compress(b"blob 6\0x = 1\n")


def bomb(repo, path: str) -> bytes:  # noqa: ARG001  # one of a table of functions
    """G28: it says that it is small, and unpacks to 200 MB."""
    return zlib.compress(b"blob 6\0" + bytes(200_000_000))


@pytest.mark.thorough
@pytest.mark.parametrize(
    "harm",
    [
        pytest.param(cut_in_half, id="cut in half"),
        pytest.param(other_blob, id="another object"),
        pytest.param(bomb, id="G28 bomb"),
        pytest.param(lambda *_: b"garbage", id="garbage"),
        pytest.param(lambda *_: b"", id="nothing"),
    ],
)
def test_a_damaged_object_costs_its_own_module_only(repo, commit, harm):
    files = complete()
    commit({**files, TWO: lessons()[TWO] + "# " + "many words " * 2000})
    damage(repo, TWO, harm(repo, TWO))
    standing = Engine(course(), MemoryLedger(), SANDBOXES["process"]()).grade(read(repo))
    second = standing.modules["01_two"].checks[0]
    assert second.outcome is Outcome.ERRORED
    assert f"git cannot read the content of {TWO}" in second.message
    assert "git fsck" in second.hint
    others = {i: v.state for i, v in standing.modules.items() if i != "01_two"}
    assert others == dict.fromkeys(["00_one", "02_three"], ModuleState.COMPLETE)


@pytest.mark.parametrize("name", ["objects/info/alternates", "info/grafts"])
def test_borrowed_objects_are_refused(repo, commit, name):
    """G19."""
    commit(complete())
    file = repo.top / ".git" / name
    file.parent.mkdir(exist_ok=True)
    file.write_text("")
    with pytest.raises(StudentError, match=f"elsewhere \\({name}\\)"):
        read(repo)


@pytest.mark.parametrize(
    "revision", ["--upload-pack=x", "-x", "$(id)", "nothing", "HEAD:modules", ""]
)
def test_what_names_no_commit_is_refused(repo, commit, revision):
    """G24."""
    commit(complete())
    with pytest.raises(StudentError, match="is not a commit"):
        read(repo, revision)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes")
def test_a_pipe_in_the_place_of_a_file_of_gits_ends_in_time(repo, commit, monkeypatch):
    """git opens it, and waits for somebody who writes."""
    commit(complete())
    monkeypatch.setattr(ingest, "MAX_COMMAND_S", 0.5)
    (repo.top / ".git" / "HEAD").unlink()
    os.mkfifo(repo.top / ".git" / "HEAD")
    with pytest.raises(StudentError, match=r"git rev-parse still ran after 0\.5 s") as refused:
        read(repo)
    assert "clone it afresh" in refused.value.hint


def test_a_file_of_gits_that_leads_nowhere_is_the_repositorys_fault(repo, commit):
    commit(complete())
    shutil.rmtree(repo.top / ".git")
    (repo.top / ".git").write_text("gitdir: /nowhere\n")
    with pytest.raises(StudentError, match=r"git cannot read the repository .*/nowhere"):
        read(repo)


def test_a_pipe_in_the_place_of_a_lesson_is_not_opened(repo):
    """S13, in a folder that was handed in without git."""
    repo.write(lessons())
    (repo.top / ONE).unlink()
    os.mkfifo(repo.top / ONE)
    found = of_working_tree(repo.top)
    assert ONE not in found.entries
    assert TWO in found.entries


def test_notes_say_nothing(repo, commit):
    """G20: a verdict that somebody wrote beside a commit."""
    commit(complete())
    before = read(repo).entries
    repo.git("notes", "--ref", "verdict", "add", "-m", '{"verdict": "pass"}', "HEAD")
    assert read(repo).entries == before


def test_whoever_signs_and_whenever_the_content_is_what_counts(repo, commit):
    """G21, G27: a date and an author are texts that the committer typed."""
    first = commit(complete())
    somebody = {
        "GIT_AUTHOR_NAME": "Somebody Else",
        "GIT_AUTHOR_EMAIL": "else@example.org",
        "GIT_COMMITTER_DATE": "2001-01-01T00:00:00Z",
        "GIT_AUTHOR_DATE": "2001-01-01T00:00:00Z",
    }
    other = repo.git("commit-tree", "HEAD^{tree}", "-m", "in time", **somebody)
    assert other != first
    assert read(repo, other).entries == read(repo, first).entries


def test_a_commit_that_no_branch_holds_any_more_is_read_by_its_id(repo, commit):
    """G22: history that was rewritten after somebody noted what there was."""
    seen = commit(complete())
    repo.git("checkout", "--quiet", "--orphan", "other")
    commit({ONE: todo("00_one")})
    repo.git("branch", "--quiet", "--delete", "--force", "main")
    assert read(repo, seen).text(ONE) == complete()[ONE]


def test_a_merge_that_brings_old_code_back_is_what_it_holds(repo, commit):
    """G23."""
    first = commit(complete())
    commit({ONE: todo("00_one")})
    tree = repo.git("rev-parse", f"{first}^{{tree}}")
    merged = repo.git("commit-tree", tree, "-p", "HEAD", "-p", first, "-m", "old code")
    assert read(repo, merged).text(ONE) == complete()[ONE]
    assert read(repo).text(ONE) == todo("00_one")


def test_a_pointer_to_large_storage_is_a_text_like_any_other(repo, commit):
    """G25: nothing follows it, whatever server .lfsconfig names."""
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n"
    lfs = {
        ".lfsconfig": "[lfs]\nurl = https://example.org\n",
        ".gitattributes": "*.py filter=lfs\n",
    }
    commit({**lessons(), ONE: pointer, **lfs})
    assert read(repo).text(ONE) == pointer


def test_a_repository_inside_the_repository_changes_nothing(repo, commit):
    """G26: bare, with hooks and a configuration of its own."""
    inside = "modules/00_one/"
    config = "[core]\nbare = true\nfsmonitor = touch /nowhere\n"
    commit({**complete(), f"{inside}HEAD": "ref: refs/heads/x\n", f"{inside}config": config})
    assert set(read(repo).entries) == set(complete())


def test_two_entries_of_one_name_are_both_refused(repo):
    """A tree that git itself would not make: which of the two it means is luck."""
    blobs = [blob_of(repo, f"x = {n}\n".encode()) for n in range(2)]
    one = tree_of(repo, *(("100644", "one.py", blob) for blob in blobs))
    modules = tree_of(repo, ("40000", "00_one", one))
    with_tree(repo, ("40000", "modules", modules))
    assert "there twice" in refusal(repo)


def test_an_empty_commit_is_an_empty_snapshot(repo, commit):
    commit({})
    assert read(repo).entries == {}


def test_an_empty_repository_is_refused(repo):
    """C24."""
    with pytest.raises(StudentError, match="'HEAD' is not a commit"):
        read(repo)


PLANTED = {
    "F11 tests of their own": {"tests/test_all.py": "def test(): pass\n"},
    "F13 conftest.py": {"conftest.py": "import os\nos._exit(0)\n"},
    "F15 usercustomize.py": {"usercustomize.py": "1/0\n", "sitecustomize.py": "1/0\n"},
    "F17 pytest.ini": {"pytest.ini": "[pytest]\naddopts = --collect-only\n"},
    "F19 setup.cfg": {"setup.cfg": "[tool:pytest]\ntestpaths = x\n", "tox.ini": "[pytest]\n"},
    "F21 numpy": {"numpy/__init__.py": "1/0\n", "json.py": "1/0\n"},
    "F51 compiled": {
        "modules/00_one/__pycache__/one.cpython-311.pyc": b"\0\1",
        "tinytorch/x.so": b"\x7fELF",
    },
    "C01 course.yaml": {"course.yaml": "course: Mine\nversion: 1\nmodules: []\nmilestones: []\n"},
    "C02 grader": {"grader/verdicts/judge.py": "def judge_module(*w, **k): return True\n"},
    "C04 progress.json": {"progress.json": '{"completed_modules": ["00_one", "01_two"]}'},
    "C14 build": {
        "setup.py": "1/0\n",
        "pyproject.toml": "[build-system]\n",
        "requirements.txt": "x\n",
    },
    "C15 editors": {".pre-commit-config.yaml": "repos: 1\n", ".vscode/tasks.json": "{}"},
}


@pytest.mark.parametrize(
    "files",
    first(
        [pytest.param(files, id=name) for name, files in PLANTED.items()],
        *("F13 conftest.py", "F51 compiled", "C02 grader"),
    ),
)
def test_files_that_are_no_lessons_change_nothing(repo, commit, files):
    """The lesson beside them is a stub; the verdict is that of the stub."""
    commit({**lessons(two=todo("01_two")), **files})
    standing = Engine(course(), MemoryLedger(), SANDBOXES["process"]()).grade(read(repo))
    states = {name: verdict.state for name, verdict in standing.modules.items()}
    assert states == {
        "00_one": ModuleState.NOT_EXPORTED,
        "01_two": ModuleState.TODO,
        "02_three": ModuleState.NOT_EXPORTED,
    }


@pytest.mark.skipif(
    not hasattr(os, "getuid") or os.getuid() != 0, reason="only root gives files away"
)
def test_a_repository_of_somebody_else_is_read(repo, commit):
    commit(complete())
    subprocess.run(["chown", "-R", "65534:65534", repo.top], check=True)
    assert read(repo).text(ONE) == complete()[ONE]


def test_reading_costs_four_processes(repo, commit, monkeypatch):
    """rev-parse for the commit, ls-tree, and two cat-files for all blobs."""
    commit(complete())
    started: list[str] = []
    real = subprocess.Popen.__init__

    def counted(self, command, *words, **more):
        started.append(command[1])
        real(self, command, *words, **more)

    monkeypatch.setattr(subprocess.Popen, "__init__", counted)
    found = read(repo)
    found.fetch(complete())
    assert sorted(started) == ["cat-file", "cat-file", "ls-tree", "rev-parse"]

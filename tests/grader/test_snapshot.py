"""What is graded: the index that git will record, a commit, or the files on disk."""

from __future__ import annotations

import os
import subprocess
import sys
import tracemalloc
from pathlib import Path

import pytest

from grader.errors import StudentError
from grader.sources import snapshots
from grader.sources.git import Git, clean_environment
from grader.sources.snapshots import MAX_FILE_BYTES, blob_id, of_commit, of_index, of_working_tree

ROOT = Path(__file__).parents[2]
LESSON = "modules/00_one/one.py"
WAYS = ["index", "commit", "working tree"]


@pytest.fixture
def git(repo) -> Git:
    return Git(repo.top)


def taken(way, git, commit, files):
    """FILES, seen each way."""
    commit(files)
    look = {
        "index": lambda: of_index(git),
        "commit": lambda: of_commit(git, "HEAD"),
        "working tree": lambda: of_working_tree(git.top),
    }
    return look[way]()


def test_index_commit_and_working_tree_are_three_different_things(repo, commit, git):
    head = commit({LESSON: "committed\n"})
    repo.stage({LESSON: "staged\n"})
    repo.write({LESSON: "saved\n"})
    assert of_commit(git, "HEAD").text(LESSON) == "committed\n"
    assert of_index(git).text(LESSON) == "staged\n"
    assert of_working_tree(repo.top).text(LESSON) == "saved\n"
    names = (of_commit(git, "HEAD").name, of_index(git).name, of_working_tree(repo.top).name)
    assert names == (head, "index", "working tree")


@pytest.mark.parametrize("way", WAYS)
def test_only_lessons_and_package_are_in_a_snapshot(way, git, commit):
    files = {LESSON: "1", "tinytorch/core/one.py": "2", "README.md": "3", "modules.py": "4"}
    snapshot = taken(way, git, commit, files)
    assert sorted(snapshot.entries) == [LESSON, "tinytorch/core/one.py"]


@pytest.mark.parametrize("way", WAYS)
def test_the_same_bytes_have_the_same_id_everywhere(way, git, commit):
    snapshot = taken(way, git, commit, {LESSON: "é\n"})
    assert snapshot.entries[LESSON] == snapshots.Entry("100644", blob_id("é\n".encode()))


@pytest.mark.parametrize("way", WAYS)
def test_a_path_that_is_not_there_has_no_text(way, git, commit):
    assert taken(way, git, commit, {"README.md": "1"}).text(LESSON) is None


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("saved", "text"),
    [
        pytest.param(b"a\nb\n", "a\nb\n", id="plain"),
        pytest.param(b"a\r\nb\r\n", "a\nb\n", id="CRLF"),
        pytest.param(b"\xef\xbb\xbfa\n", "a\n", id="BOM"),
        pytest.param(b"", "", id="empty"),
        pytest.param("é\u2028\n".encode(), "é\u2028\n", id="unicode"),
        pytest.param(b"x" * MAX_FILE_BYTES, "x" * MAX_FILE_BYTES, id="as large as may be"),
    ],
)
def test_a_lesson_reads_the_same_however_it_was_saved(way, git, commit, saved, text):
    assert taken(way, git, commit, {LESSON: saved}).text(LESSON) == text


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("saved", "what", "hint"),
    [
        pytest.param(
            b"a\nb\n\xff\n", f"{LESSON}, line 3: a byte here is not UTF-8", "as UTF-8", id="Latin-1"
        ),
        pytest.param("a\n".encode("utf-16"), f"{LESSON}, line 1: a byte", "as UTF-8", id="UTF-16"),
        pytest.param(
            b"x" * (MAX_FILE_BYTES + 1),
            f"{LESSON} is larger than 512 KiB",
            "Move large data out",
            id="one byte too many",
        ),
    ],
)
def test_what_cannot_be_a_lesson_is_refused(way, git, commit, saved, what, hint):
    snapshot = taken(way, git, commit, {LESSON: saved})
    with pytest.raises(StudentError) as caught:
        snapshot.text(LESSON)
    assert what in caught.value.what
    assert hint in caught.value.hint


@pytest.mark.parametrize("way", WAYS)
def test_a_huge_file_is_refused_without_being_read(way, git, commit):
    snapshot_of = {LESSON: b"0" * 10_000_000}
    commit(snapshot_of)
    tracemalloc.start()
    snapshot = taken(way, git, commit, {})
    with pytest.raises(StudentError, match="larger than 512 KiB"):
        snapshot.text(LESSON)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 4_000_000


@pytest.mark.parametrize("way", WAYS)
def test_a_link_is_not_followed(way, repo, git, commit, tmp_path):
    (tmp_path / "secret.py").write_text("secret")
    (repo.top / "modules" / "00_one").mkdir(parents=True)
    (repo.top / LESSON).symlink_to(tmp_path / "secret.py")
    repo.git("add", "-A")
    snapshot = taken(way, git, commit, {"README.md": "1"})
    with pytest.raises(StudentError, match="is a symbolic link") as caught:
        snapshot.text(LESSON)
    assert f"rm {LESSON}" in caught.value.hint


@pytest.mark.parametrize("way", WAYS)
def test_a_folder_that_is_a_link_holds_nothing(way, repo, git, commit, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "one.py").write_text("secret")
    (repo.top / "modules").mkdir()
    (repo.top / "modules" / "00_one").symlink_to(tmp_path / "elsewhere")
    repo.git("add", "-A")
    assert taken(way, git, commit, {"README.md": "1"}).text(LESSON) is None


@pytest.mark.parametrize("folder", ["modules", "tinytorch"])
def test_a_top_folder_that_is_a_link_is_not_followed_on_disk(repo, tmp_path, folder):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "x.py").write_text("secret")
    (repo.top / folder).symlink_to(tmp_path / "elsewhere")
    assert of_working_tree(repo.top).entries == {}


@pytest.mark.parametrize("way", ["index", "commit"])
def test_a_submodule_is_not_a_lesson(way, repo, git, commit):
    here = commit({"README.md": "1"})
    repo.git("update-index", "--add", "--cacheinfo", f"160000,{here},{LESSON}")
    snapshot = taken(way, git, commit, {"README.md": "2"})
    with pytest.raises(StudentError, match="is not a regular file"):
        snapshot.text(LESSON)


def test_a_pipe_on_disk_is_not_waited_for(repo):
    (repo.top / "modules" / "00_one").mkdir(parents=True)
    os.mkfifo(repo.top / LESSON)
    assert of_working_tree(repo.top).text(LESSON) is None


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    "name",
    [
        pytest.param("modules/a b/c d.py", id="spaces"),
        pytest.param("modules/Übung/日本.py", id="unicode"),
        pytest.param("modules/two\nlines/x\ty.py", id="newline and tab"),
        pytest.param("modules/'\"/\\$(touch x).py", id="quotes"),
        pytest.param(os.fsdecode(b"modules/\xff\xfe.py"), id="not UTF-8"),
        pytest.param("modules/-n.py", id="like an option"),
    ],
)
def test_a_path_may_hold_anything(way, git, commit, name):
    assert taken(way, git, commit, {name: "text"}).text(name) == "text"


def test_an_executable_file_is_a_regular_one(repo, commit, git):
    commit({LESSON: "text"})
    repo.git("update-index", "--chmod=+x", LESSON)
    assert of_index(git).entries[LESSON].mode == "100755"
    assert of_index(git).text(LESSON) == "text"


def test_an_empty_repository_is_an_empty_snapshot(repo, git):
    assert of_index(git).entries == {}
    assert of_working_tree(repo.top).entries == {}


def test_a_path_in_conflict_has_nothing_to_judge(repo, commit, git):
    commit({LESSON: "base\n", "modules/a.py": "1"})
    repo.git("checkout", "--quiet", "-b", "side")
    commit({LESSON: "side\n"})
    repo.git("checkout", "--quiet", "main")
    commit({LESSON: "main\n"})
    with pytest.raises(subprocess.CalledProcessError):
        repo.git("merge", "side")
    assert sorted(of_index(git).entries) == ["modules/a.py"]


def test_a_replaced_object_is_not_believed(repo, commit, git):
    commit({LESSON: "right"})
    wrong = repo.git("hash-object", "-w", "--stdin", stdin=b"wrong")
    repo.git("replace", repo.git("rev-parse", f"HEAD:{LESSON}"), wrong)
    assert of_commit(git, "HEAD").text(LESSON) == "right"
    assert of_index(git).text(LESSON) == "right"


def test_an_object_that_is_gone_is_said_so(repo, commit, git):
    commit({LESSON: "text"})
    blob = repo.git("rev-parse", f"HEAD:{LESSON}")
    (repo.top / ".git" / "objects" / blob[:2] / blob[2:]).unlink()
    with pytest.raises(StudentError, match=rf"the content of {LESSON} \(object {blob[:12]}\)"):
        of_commit(git, "HEAD").text(LESSON)


def test_a_file_that_is_only_intended_to_be_added_is_empty(repo, git):
    repo.write({LESSON: "text"})
    repo.git("add", "--intent-to-add", LESSON)
    assert of_index(git).text(LESSON) in (None, "")


def test_the_index_that_git_names_is_the_one_that_is_read(repo, commit, tmp_path):
    commit({LESSON: "committed"})
    other = tmp_path / "other-index"
    repo.git("read-tree", "HEAD", GIT_INDEX_FILE=str(other))
    blob = repo.git("hash-object", "-w", "--stdin", stdin=b"other")
    entry = f"100644,{blob},{LESSON}"
    repo.git("update-index", "--cacheinfo", entry, GIT_INDEX_FILE=str(other))
    named = Git(repo.top, {**clean_environment(os.environ), "GIT_INDEX_FILE": str(other)})
    assert of_index(named).text(LESSON) == "other"
    assert of_index(Git(repo.top)).text(LESSON) == "committed"


HOOK = f"""\
#!{sys.executable}
import os, sys
sys.path.insert(0, {str(ROOT)!r})
from pathlib import Path
from grader.sources.git import Git
from grader.sources.snapshots import of_index
seen = of_index(Git(Path.cwd(), dict(os.environ))).text({LESSON!r})
Path({{report!r}}).write_text(seen)
"""


@pytest.mark.parametrize(
    "how",
    [
        pytest.param(["commit", "-am", "x"], id="commit -a"),
        pytest.param(["commit", "-m", "x", "--", LESSON], id="commit -- path"),
        pytest.param(["commit", "-m", "x", "-i", LESSON], id="commit -i path"),
    ],
)
def test_a_hook_sees_the_tree_that_git_records(repo, commit, tmp_path, how):
    commit({LESSON: "before"})
    hook = repo.top / ".git" / "hooks" / "pre-commit"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(HOOK.format(report=str(tmp_path / "seen")))
    hook.chmod(0o755)
    repo.write({LESSON: "after"})
    repo.git(*how)
    assert (tmp_path / "seen").read_text() == "after" == repo.git("show", f"HEAD:{LESSON}")


def test_a_subdirectory_of_a_repository_is_not_its_top(repo, commit):
    commit({f"inner/{LESSON}": "1", LESSON: "2"})
    assert of_index(Git(repo.top)).text(LESSON) == "2"

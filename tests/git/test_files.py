"""What lies in the working tree: edits, links, what git leaves out, names, line ends."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.git.conftest import EXPORT, INIT, ONE, SIX, Committer, one, six

NOTES = "notes.txt"


@pytest.mark.thorough
@pytest.mark.first
@pytest.mark.each_runner
@pytest.mark.parametrize("edit", ["by hand\n", "{}# at the end\n"], ids=["conflicting", "merging"])
def test_an_unstaged_edit_of_an_export_is_refused_and_no_other_edit_is_lost(done_with_one, edit):
    student = done_with_one
    edited = edit.format(student.read(EXPORT))
    student.write(EXPORT, edited)
    student.write(NOTES, "unstaged\n")
    student.write(ONE, one("return 2 - 1"))
    student.git("add", ONE)
    done = student.commit()
    assert done.status == 1
    assert f"{EXPORT} has changes that are not staged" in done.output
    assert (
        f"-> It is made from your lesson. To drop the changes: git restore {EXPORT}" in done.output
    )
    assert (student.read(EXPORT), student.read(NOTES)) == (edited, "unstaged\n")
    student.git("restore", EXPORT)
    student.git("commit", "-m", "again")
    student.settle(" M notes.txt\n")


def test_an_edit_of_an_export_that_the_commit_does_not_write_blocks_nobody(done_with_one):
    done_with_one.write(EXPORT, "by hand\n")
    done_with_one.save({NOTES: "later\n"})
    assert done_with_one.read(EXPORT) == "by hand\n"
    done_with_one.settle(" M tinytorch/core/one.py\n")


def test_a_staged_edit_of_an_export_is_refused(done_with_one):
    student = done_with_one
    student.write(EXPORT, "by hand\n")
    student.git("add", EXPORT)
    done = student.commit()
    assert done.status == 1
    assert f"-> git restore --staged --worktree {EXPORT}" in done.output
    assert student.read(EXPORT) == student.staged(EXPORT) == "by hand\n"
    student.settle("M  tinytorch/core/one.py\n")


@pytest.mark.first
def test_an_untracked_file_where_an_export_goes_is_refused(student):
    student.write(EXPORT, "mine\n")
    student.write(ONE, one())
    student.git("add", ONE)
    done = student.commit()
    assert done.status == 1
    assert f"-> Move it away: mv {EXPORT} {EXPORT}.mine" in done.output
    assert student.read(EXPORT) == "mine\n"
    (student.top / EXPORT).rename(student.top / f"{EXPORT}.mine")
    student.git("commit", "-m", "again")
    student.settle("?? tinytorch/core/one.py.mine\n")


@pytest.mark.thorough
@pytest.mark.first
@pytest.mark.each_runner
@pytest.mark.parametrize("flag", ["assume-unchanged", "skip-worktree"])
def test_an_edit_that_git_was_told_not_to_look_at_is_refused(done_with_one, flag):
    student = done_with_one
    student.git("update-index", f"--{flag}", EXPORT)
    student.write(EXPORT, "by hand\n")
    student.write(ONE, one("return 2 - 1"))
    student.git("add", ONE)
    done = student.commit()
    assert done.status == 1
    assert f"{EXPORT} has changes that git was told not to look at" in done.output
    assert f"-> git update-index --no-{flag} {EXPORT}, then commit again." in done.output
    assert student.read(EXPORT) == "by hand\n"
    student.git("update-index", f"--no-{flag}", EXPORT)
    student.settle(f"M  {ONE}\n M {EXPORT}\n")


@pytest.mark.parametrize("flag", ["assume-unchanged", "skip-worktree"])
def test_a_lesson_that_git_does_not_look_at_is_not_committed_as_it_was(done_with_one, flag):
    student = done_with_one
    student.git("update-index", f"--{flag}", ONE)
    student.write(ONE, one("return 2 - 1"))
    head = student.head()
    done = student.tito("module", "complete", "00")
    assert done.status == 1
    assert f"{ONE} has changes that git was told not to look at" in " ".join(done.output.split())
    assert f"-> git update-index --no-{flag} {ONE}, then try again." in done.output
    assert student.head() == head
    student.git("update-index", f"--no-{flag}", ONE)
    assert student.tito("module", "complete", "00").status == 0
    student.settle()


@pytest.mark.each_runner
def test_an_edit_that_no_framework_sees_is_not_lost(done_with_one):
    student = done_with_one
    student.git("update-index", "--assume-unchanged", NOTES)
    student.write(NOTES, "mine\n")
    student.write(SIX, six("return 5"))
    said = student.save({ONE: one("return 2 - 1")})
    assert ("would lose an edit of notes.txt" in said) is (student.runner != "raw")
    assert (student.read(NOTES), student.read(SIX)) == ("mine\n", six("return 5"))
    student.settle(f" M {SIX}\n")


@pytest.mark.first
@pytest.mark.each_runner
def test_a_folder_in_the_place_of_an_export_is_refused_and_keeps_its_files(done_with_one):
    student = done_with_one
    (student.top / EXPORT).unlink()
    student.write(f"{EXPORT}/mine.txt", "mine\n")
    student.write(ONE, one("return 2 - 1"))
    student.git("add", ONE)
    done = student.commit()
    assert done.status == 1
    assert f"{EXPORT} is a folder here" in done.output
    assert f"-> Move it away: mv {EXPORT} {EXPORT}.mine, then commit again." in done.output
    assert student.read(f"{EXPORT}/mine.txt") == "mine\n"
    (student.top / EXPORT).rename(student.top / f"{EXPORT}.mine")
    student.git("restore", EXPORT)
    student.git("commit", "-m", "again")
    student.settle(f"?? {EXPORT}.mine/\n")


def test_a_staged_folder_in_the_place_of_an_export_is_refused(student):
    student.write(f"{EXPORT}/mine.py", "x = 1\n")
    student.write(ONE, one())
    student.git("add", "-A")
    done = student.commit()
    assert done.status == 1
    moved = f"mv {EXPORT} {EXPORT}.mine && git rm -rq --cached {EXPORT}"
    assert f"-> Move it away: {moved}, then commit again." in done.output
    student.git("rm", "-rq", "--cached", EXPORT)
    (student.top / EXPORT).rename(student.top / f"{EXPORT}.mine")
    student.git("commit", "-m", "again")
    student.settle(f"?? {EXPORT}.mine/\n")


@pytest.mark.parametrize(
    ("staged", "way_out"),
    [
        pytest.param(False, "mv tinytorch/core tinytorch/core.old, then", id="untracked"),
        pytest.param(
            True,
            "mv tinytorch/core tinytorch/core.old && git rm -q --cached tinytorch/core, then",
            id="staged",
        ),
    ],
)
def test_a_file_where_a_folder_of_the_package_belongs_is_refused(student, staged, way_out):
    student.write("tinytorch/core", "mine\n")
    student.write(ONE, one())
    student.git("add", "-A" if staged else ONE)
    done = student.commit()
    assert done.status == 1
    assert "tinytorch/core is not a folder here but a file" in done.output
    assert f"-> {way_out} commit again. Nothing was touched." in done.output
    assert student.read("tinytorch/core") == "mine\n"
    student.settle(f"M  {ONE}\n{'A ' if staged else '??'} tinytorch/core\n")


def test_a_package_that_is_a_submodule_is_refused(student):
    other = student.top.parent / "other"
    student.git("init", "-q", str(other))
    student.git("-C", str(other), "commit", "-q", "--allow-empty", "-m", "theirs")
    student.git("rm", "-rq", "tinytorch")
    student.git("submodule", "add", "-q", str(other), "tinytorch")
    student.write("tinytorch/__init__.py", "theirs\n")
    student.write(ONE, one())
    student.git("add", ONE)
    done = student.commit()
    assert done.status == 1
    assert "tinytorch is not a folder here but a submodule" in done.output
    assert "-> mv tinytorch tinytorch.old && git rm -q --cached tinytorch" in done.output
    assert student.read("tinytorch/__init__.py") == "theirs\n"
    assert student.git("ls-files", "-s", "tinytorch").startswith("160000 ")


def test_a_package_that_only_somebody_else_may_write_is_refused(done_with_one, unprivileged):
    folder = "tinytorch/core"
    done = _commit_as(unprivileged, done_with_one, folder, 0o500)
    assert done.status != 0
    assert f"{folder} cannot be written" in done.output
    assert '-> chmod u+rwx "' in done.output
    done_with_one.settle(f"M  {ONE}\n")


@pytest.mark.first
def test_an_export_that_only_somebody_else_may_read_is_refused(done_with_one, unprivileged):
    if done_with_one.runner != "raw":
        pytest.skip("a framework reads every file first, and stops in words of its own")
    done = _commit_as(unprivileged, done_with_one, EXPORT, 0)
    assert done.status != 0
    assert f"{EXPORT} cannot be read" in done.output
    assert f"-> chmod u+rw {EXPORT}" in done.output
    done_with_one.settle(f"M  {ONE}\n")


def _commit_as(somebody, student, path, mode):
    """What SOMEBODY's commit says while PATH has MODE."""
    before = (student.top / path).stat().st_mode
    (student.top / path).chmod(mode)
    student.write(ONE, one("return 2 - 1"))
    student.git("add", ONE)
    done = student.run(*somebody, "git", "commit", "-m", "x")
    (student.top / path).chmod(before)
    return done


def test_an_export_that_was_only_touched_is_no_edit(done_with_one):
    os.utime(done_with_one.top / EXPORT, (1, 1))
    done_with_one.save({ONE: one("return 2 - 1")})
    done_with_one.settle()


@pytest.mark.first
def test_an_export_that_was_deleted_comes_back(done_with_one):
    student = done_with_one
    (student.top / EXPORT).unlink()
    student.write(ONE, one("return 2 - 1"))
    student.git("add", ONE)
    done = student.commit()
    if student.runner != "raw":  # the framework has put the deletion aside, and would repeat it
        assert f"git restore {EXPORT}" in done.output
        student.git("restore", EXPORT)
        student.git("commit", "-m", "again")
    assert "2 - 1" in student.read(EXPORT) == student.at("HEAD", EXPORT)
    student.settle()


def test_an_old_export_of_ours_in_the_working_tree_is_no_edit(done_with_one):
    """As a hook leaves it that is killed between the index and the working tree."""
    student = done_with_one
    if student.runner != "raw":
        pytest.skip("a framework puts it aside: see the tests of doctor")
    old = student.read(EXPORT)
    student.write(ONE, one("return 2 - 1"))
    student.git("add", ONE)
    student.run("git", "commit", "-m", "given up", GIT_EDITOR="false")
    student.git("reset", "-q", "--soft", "HEAD~1")
    student.write(EXPORT, old)
    student.write(ONE, one("return 3 - 2"))
    student.git("add", ONE)
    student.git("commit", "-m", "again")
    assert "3 - 2" in student.at("HEAD", EXPORT) == student.read(EXPORT)
    student.settle()


@pytest.mark.parametrize("share", [0, 0.5])
def test_half_an_export_in_the_working_tree_is_no_edit(done_with_one, share):
    """As git leaves it that is killed while it writes the file."""
    student = done_with_one
    if student.runner != "raw":
        pytest.skip("a framework puts it aside: see the tests of doctor")
    whole = student.read(EXPORT)
    student.write(EXPORT, whole[: int(len(whole) * share)])
    student.write(ONE, one("return 3 - 2"))
    student.git("add", ONE)
    student.git("commit", "-m", "again")
    assert "3 - 2" in student.at("HEAD", EXPORT) == student.read(EXPORT)
    student.settle()


@pytest.mark.first
def test_a_lesson_that_is_a_link_is_stopped(student):
    (student.top / ONE).unlink()
    student.write("elsewhere.py", one())
    (student.top / ONE).symlink_to("../../elsewhere.py")
    student.git("add", ONE)
    done = student.commit()
    assert done.status == 1
    assert "is a symbolic link; only regular files are graded" in done.output
    assert (student.top / ONE).is_symlink()
    student.settle("T  modules/00_one/one.py\n?? elsewhere.py\n")


@pytest.mark.first
def test_a_package_that_is_a_link_is_refused(student):
    (student.top / "tinytorch").rename(student.top.parent / "elsewhere")
    (student.top / "tinytorch").symlink_to(student.top.parent / "elsewhere")
    student.write(ONE, one())
    student.git("add", ONE)
    done = student.commit()
    assert done.status == 1
    assert "tinytorch is not a folder here but a symbolic link" in done.output
    assert "-> mv tinytorch tinytorch.old && git restore tinytorch, then" in done.output
    assert (student.top / "tinytorch").is_symlink()
    assert sorted(p.name for p in (student.top.parent / "elsewhere").iterdir()) == ["__init__.py"]
    (student.top / "tinytorch").rename(student.top / "tinytorch.old")
    student.git("restore", "tinytorch")
    student.git("commit", "-m", "again")
    student.settle("?? tinytorch.old\n")


def test_a_folder_of_the_package_that_is_a_link_is_refused(student):
    outside = student.top.parent / "outside"
    outside.mkdir()
    (student.top / "tinytorch" / "core").symlink_to(outside)
    student.write(ONE, one())
    student.git("add", ONE)
    done = student.commit()
    assert done.status == 1
    assert "tinytorch/core is not a folder here but a symbolic link" in done.output
    assert "-> mv tinytorch/core tinytorch/core.old, then commit again." in done.output
    assert list(outside.iterdir()) == []


def test_a_package_that_git_ignores(student):
    student.write(".gitignore", student.read(".gitignore") + "tinytorch/\n")
    student.save({ONE: one(), ".gitignore": student.read(".gitignore")})
    assert EXPORT in student.files()
    student.settle()


def test_a_sparse_checkout_without_the_package_stays_sparse(student):
    student.git("status")  # git leaves out only what it knows to be unchanged
    student.git("sparse-checkout", "set", "--no-cone", "/*", "!/tinytorch/")
    assert not (student.top / INIT).exists()
    student.save({ONE: one()})
    assert EXPORT in student.files()
    assert not (student.top / INIT).exists()
    student.settle()
    student.save({ONE: one("return 2 - 1")})
    assert not (student.top / EXPORT).exists()
    student.settle()


@pytest.mark.first
def test_a_deleted_lesson_is_stopped_and_may_go_past_the_hook(done_with_one):
    student = done_with_one
    student.git("rm", "-q", ONE)
    done = student.commit()
    assert done.status == 1
    assert "00_one" in done.output
    student.git("commit", "--no-verify", "-m", "away")
    assert student.progress() == []
    student.settle(drift=True)
    student.git("commit", "--allow-empty", "-m", "with the hook")
    assert EXPORT not in student.files()
    student.settle()


def test_a_renamed_lesson_is_stopped(done_with_one):
    done_with_one.git("mv", ONE, "modules/00_one/uno.py")
    done = done_with_one.commit()
    assert done.status == 1
    assert f"{ONE} is not there" in done.output


def test_a_module_that_the_course_adds(done_with_one):
    student = done_with_one
    new = six("return 8").replace("six", "eight").replace("6", "8")
    entry = "  - {id: 03_eight, title: Eight, needs: [], points: 5}\nmilestones:"
    student.save(
        {
            "course.yaml": student.read("course.yaml").replace("milestones:", entry),
            "starters/03_eight/eight.py": new,
            "modules/03_eight/eight.py": new,
        }
    )
    assert student.progress() == ["00_one", "03_eight"]
    student.settle()


@pytest.mark.thorough
@pytest.mark.first
def test_spaces_and_letters_of_any_alphabet(student):
    place = student.top.parent / "Mein Kurs, übung [1] 'ß'"
    student.top.rename(place)
    other = Committer(place, student.home, student.runner, student.reference)
    other.write("Notizen ä [x]*.txt", "unstaged\n")
    other.save({ONE: one(), "modules/ä ß/*.py": "x = 1\n"})
    other.write("Notizen ä [x]*.txt", "kept\n")
    other.git("add", "-N", "Notizen ä [x]*.txt")
    other.save({ONE: one("return 2 - 1")})
    assert other.read("Notizen ä [x]*.txt") == "kept\n"
    assert other.progress() == ["00_one"]
    other.git("config", "core.quotePath", "false")
    other.settle(' A "Notizen ä [x]*.txt"\n')


@pytest.mark.first
def test_a_lesson_with_windows_line_ends(student):
    (student.top / ONE).write_bytes(one().replace("\n", "\r\n").encode())
    student.git("add", ONE)
    student.git("commit", "-m", "from Windows")
    assert "\r" not in student.at("HEAD", EXPORT)
    assert "\r" not in student.read(EXPORT)
    student.settle()


def test_autocrlf_without_attributes(student):
    student.git("config", "core.autocrlf", "true")
    student.git("rm", "-q", ".gitattributes")
    student.git("commit", "-q", "--no-verify", "-m", "no attributes")
    (student.top / ONE).write_bytes(one().replace("\n", "\r\n").encode())
    student.git("add", ONE)
    student.git("commit", "-m", "from Windows")
    assert b"\r\n" in (student.top / EXPORT).read_bytes()
    assert "\r" not in student.git("cat-file", "blob", f"HEAD:{EXPORT}")
    student.settle()
    student.save({ONE: one("return 2 - 1").replace("\n", "\r\n")})
    student.settle()


BYTES = {
    "a zero byte": (one().encode() + b"\0", "a zero byte"),
    "Latin-1": (one().replace("Return", "Gib zurück").encode("latin-1"), "not UTF-8"),
    "UTF-16": (one().encode("utf-16"), "not UTF-8"),
    "huge": (one().encode() + b"# x\n" * 200_000, "larger than 512 KiB"),
    "empty": (b"", "no code cell"),
}


@pytest.mark.thorough
@pytest.mark.first
@pytest.mark.parametrize(("content", "says"), BYTES.values(), ids=BYTES.keys())
def test_a_lesson_of_unusual_bytes_is_stopped_and_kept(student, content, says):
    (student.top / ONE).write_bytes(content)
    student.git("add", ONE)
    done = student.commit()
    assert done.status == 1
    assert says in done.output
    assert (student.top / ONE).read_bytes() == content
    student.settle(f"M  {ONE}\n")


@pytest.mark.parametrize(
    "text", [f"\ufeff{one()}", one().replace("\n", "\r")], ids=["byte order mark", "old Mac"]
)
def test_a_lesson_of_another_editor_is_read(student, text):
    (student.top / ONE).write_bytes(text.encode())
    student.git("add", ONE)
    student.git("commit", "-m", "another editor")
    assert "\r" not in student.read(EXPORT)
    assert student.progress() == ["00_one"]
    student.settle()


def test_a_lesson_and_an_export_that_may_be_executed(done_with_one):
    student = done_with_one
    for path in (ONE, EXPORT):
        (student.top / path).chmod(0o755)
    student.git("commit", "-a", "-m", "executable")
    student.settle()
    student.write(ONE, one("return 2 - 1"))
    student.git("commit", "-a", "-m", "changed")
    assert "2 - 1" in student.at("HEAD", EXPORT) == student.read(EXPORT)
    student.settle()


def test_a_lesson_that_is_only_intended(student):
    student.git("rm", "-q", "--cached", SIX)
    student.git("commit", "-q", "--no-verify", "-m", "without six")
    student.write(SIX, six("return 7"))
    student.git("add", "-N", SIX)
    student.save({ONE: one()})
    assert student.read(SIX) == six("return 7")
    assert SIX not in student.files()
    student.settle(" A modules/02_six/six.py\n")


def test_a_copied_clone(done_with_one, tmp_path):
    shutil.copytree(done_with_one.top, tmp_path / "copy", symlinks=True)
    copy = Committer(
        tmp_path / "copy", done_with_one.home, done_with_one.runner, done_with_one.reference
    )
    copy.save({ONE: one("return 2 - 1")})
    copy.settle()


def test_a_file_whose_name_is_not_text(student):
    if student.runner == "pre-commit":
        pytest.skip("pre-commit itself cannot read such a name, and says so")
    name = os.fsdecode(b"modules/\xff.py")
    Path(student.top, name).write_text("x = 1\n", "utf-8")
    student.git("add", "-A")
    student.write(ONE, one())
    student.git("add", ONE)
    student.git("commit", "-m", "any bytes")
    assert student.progress() == ["00_one"]

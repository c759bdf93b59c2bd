from __future__ import annotations

import json

from tests.tito.conftest import solution, starter

PATH = "tinytorch/core/setup.py"


def test_export_writes_the_package_of_the_proven_modules(student):
    student.write("00_setup", solution("00_setup"))
    said = student.tito("export")
    assert said.status == 0
    assert f"wrote   {PATH}" in said.out
    assert "def double_sum" in (student.top / PATH).read_text()
    assert not (student.top / "tinytorch/core/tensor.py").exists()
    assert student.tito("export").out == "tinytorch/ is what your lessons export.\n"


def test_check_lists_what_differs_and_writes_nothing(student):
    student.write("00_setup", solution("00_setup"))
    said = student.tito("export", "--check")
    assert said.status == 1
    assert f"  {PATH}\n" in said.out
    assert not (student.top / PATH).exists()


def test_check_as_json(student):
    student.write("00_setup", solution("00_setup"))
    said = student.tito("export", "--check", "--json")
    assert said.status == 1
    assert PATH in json.loads(said.out)["write"]


def test_an_edit_that_git_does_not_have_is_not_lost(student):
    student.write("00_setup", solution("00_setup"))
    student.tito("export")
    (student.top / PATH).write_text("my = 'idea'\n")
    said = student.tito("export")
    assert said.status == 1
    assert f"{PATH} was edited by hand, and git does not have these edits." in said.err
    assert "tito export --force" in said.err
    assert (student.top / PATH).read_text() == "my = 'idea'\n"
    assert student.tito("export", "--force").status == 0
    assert "double_sum" in (student.top / PATH).read_text()


def test_an_older_export_is_replaced_without_asking(student):
    student.write("00_setup", solution("00_setup"))
    student.tito("export")
    student.write(
        "00_setup", solution("00_setup").replace("return a + a + b + b", "return 2 * (a + b)")
    )
    assert student.tito("export").status == 0
    assert "2 * (a + b)" in (student.top / PATH).read_text()


def test_the_export_of_a_lesson_that_is_not_proven_any_more_goes(student):
    student.commit_solved("00_setup")
    student.write("00_setup", starter("00_setup"))
    said = student.tito("export")
    assert f"removed {PATH}  (its lesson is not complete)" in said.out
    assert not (student.top / PATH).exists()


def test_a_link_out_of_the_clone_is_not_followed(student, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (student.top / "tinytorch/core").symlink_to(outside)
    student.write("00_setup", solution("00_setup"))
    said = student.tito("export")
    assert said.status == 1
    assert "tinytorch/core is a symbolic link; exports stay inside the clone." in said.err
    assert list(outside.iterdir()) == []

"""The door of the job that awards badges: one reader of the rules, and what it needs to start."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from grader.github import award
from tests.github.hub import CREATED, NAME
from tests.grader.small_course import RULES
from tests.reports.samples import COMMIT, ROOT
from tito.main import main as tito


def changed(old: str, new: str) -> str:
    assert old in RULES
    return RULES.replace(old, new, 1)


BROKEN = {
    "needs a module below it": changed("needs: []", "needs: [01_two]"),
    "negative points": changed("points: 5", "points: -1"),
    "a billion points": changed("points: 5", "points: 1000000000"),
    "a milestone twice": changed("id: late", "id: early"),
    "a version of tomorrow": changed("version: 1", "version: 2"),
    "more than everything": changed('"> 90 %"', '"> 900 %"'),
    "an unknown key": f"{RULES}owner: ada\n",
    "needs what is no module": changed("[00_one, 01_two, 02_three]", "[00_one, 07_seven]"),
    "an unknown key in a module": changed("title: The first", "titel: The first"),
    "a folded title": changed("course: Small", "course: >\n  Small\n"),
    "a tab": f"{RULES}\t- x\n",
}


@pytest.fixture
def event(tmp_path, monkeypatch):
    """A verification of the default branch has ended; the path of the job's summary."""
    run = {
        "path": ".github/workflows/milestones.yml",
        "event": "push",
        "conclusion": "success",
        "head_sha": COMMIT,
        "head_branch": "main",
        "head_repository": {"full_name": NAME},
        "run_number": 1,
        "created_at": CREATED,
        "html_url": "https://github.com/ada/tinytorch/actions/runs/1",
    }
    repository = {"full_name": NAME, "default_branch": "main"}
    payload, summary = tmp_path / "event.json", tmp_path / "summary.md"
    payload.write_text(json.dumps({"workflow_run": run, "repository": repository}))
    monkeypatch.setenv("GITHUB_EVENT_NAME", "workflow_run")
    monkeypatch.setenv("GITHUB_EVENT_PATH", str(payload))
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    return summary


@pytest.fixture
def course_root(tmp_path, monkeypatch):
    """write(text): the current folder is a repository with these rules."""
    top = tmp_path / "course"
    top.mkdir()
    subprocess.run(["git", "init", "--quiet", str(top)], check=True)
    monkeypatch.chdir(top)
    return lambda text: (top / "course.yaml").write_text(text, encoding="utf-8")


@pytest.mark.parametrize("text", BROKEN.values(), ids=BROKEN)
def test_a_broken_course_is_refused_in_the_words_of_tito(course_root, event, capsys, text):
    course_root(text)
    assert tito(["status"]) == 2
    in_words = capsys.readouterr().err.removeprefix("tito: ").strip()
    assert award.main(["--role", "badges", "--artifact", "nowhere"]) == 2
    (line,) = re.findall("^::error title=Award::(.*)$", capsys.readouterr().out, re.MULTILINE)
    assert line.replace("%0A", "\n").replace("%25", "%") == in_words
    assert "CAUTION" in event.read_text(encoding="utf-8")


def test_awarding_needs_the_standard_library_and_pyyaml():
    code = (
        "import sys; from pathlib import Path; sys.path[:0] = ['.', sys.argv[1]];"
        "from grader.github import award; award.reading.load(Path());"
        "found = {m.split('.')[0]: str(getattr(v, '__file__', '')) for m, v in sys.modules.items()};"
        "print([name for name, path in found.items() if path.startswith(sys.argv[1])])"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code, str(Path(yaml.__file__).parents[1])],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "['yaml']"

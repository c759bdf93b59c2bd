"""Classroom 50: the bundle in its slot, started as its runner starts it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest

from tests.conftest import Repository
from tests.github.conftest import EARLY, EARLY_POINTS, MILESTONES, POINTS, solution
from tests.reports.samples import COURSE, ROOT

SCHEMA = json.loads(
    (ROOT / "tests" / "reports" / "data" / "classroom50-result-v1.schema.json").read_text()
)
# What the runner hands to an autograder.
RUNNER = {
    "CLASSROOM": "tiny-f26",
    "ASSIGNMENT": "tinytorch",
    "ASSIGNMENT_TYPE": "individual",
    "SUBMISSION_TAG": "submit/2026-11-22T00-00-00Z-abc1234",
    "USERNAME": "ada",
    "OWNER": "ada",
    "COMMIT_URL": "https://github.com/org/tiny-f26-tinytorch-ada/commit/abc1234",
    "RELEASE_URL": "https://github.com/org/tiny-f26-tinytorch-ada/releases/tag/submit",
    "REVIEW_URL": "https://github.com/org/tiny-f26-tinytorch-ada/compare/a...b",
}


@pytest.fixture(scope="session")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bundle") / "tinytorch"
    subprocess.run(
        [sys.executable, "-m", "grader", "bundle", str(folder)],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    return folder


def handed_in(bundle: Path, checkout: Path, **environment: str):
    return subprocess.run(
        [sys.executable, str(bundle / "autograder.py")],
        cwd=checkout,
        env={**os.environ, **RUNNER, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def result_of(checkout: Path):
    result = json.loads((checkout / "result.json").read_text())
    jsonschema.validate(result, SCHEMA, cls=jsonschema.Draft202012Validator)
    return result


def test_a_bundle_holds_tests_and_no_solution(bundle):
    names = {p.relative_to(bundle).as_posix() for p in bundle.rglob("*") if p.is_file()}
    assert {"LICENSE", "autograder.py", "course.yaml", "requirements/grade.lock"} <= names
    assert {m.starter_path for m in COURSE.modules} <= names
    assert not any(n.startswith(("modules/", "tinytorch/")) for n in names)
    starters = [(bundle / m.starter_path).read_text() for m in COURSE.modules]
    assert all("### BEGIN SOLUTION" not in text for text in starters)


def test_a_submission_is_judged_and_named_as_the_runner_names_it(bundle, student):
    student.commit(solution(3), "tensors and gradients")
    done = handed_in(bundle, student.top)
    assert done.returncode == 0, done.stderr
    result = result_of(student.top)
    assert (result["score"], result["max-score"]) == (EARLY_POINTS, POINTS)
    assert result["owner"] == "ada"
    assert result["submission"] == RUNNER["SUBMISSION_TAG"]
    assert result["review"] == RUNNER["REVIEW_URL"]
    assert (
        f"{len(EARLY)} of {MILESTONES} milestones" in (student.top / "release-body.md").read_text()
    )


def test_a_checkout_cannot_bring_its_own_grader_or_rules(bundle, student):
    mine = {
        "grader/__init__.py": "raise SystemExit(0)",
        "numpy.py": "raise SystemExit(0)",
        "json.py": "raise SystemExit(0)",
        "sitecustomize.py": "raise SystemExit(0)",
        "course.yaml": (ROOT / "course.yaml").read_text().replace("points: 20", "points: 99"),
        "starters/00_setup/setup.py": "# no tests\n",
    }
    student.commit(mine, "cheat")
    done = handed_in(bundle, student.top)
    assert done.returncode == 0, done.stderr
    result = result_of(student.top)
    assert (result["score"], result["max-score"]) == (0, POINTS)


@pytest.mark.thorough
@pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege there")
def test_a_link_where_the_result_goes_is_not_followed(bundle, student, tmp_path):
    target = tmp_path / "precious"
    target.write_text("mine")
    (student.top / "result.json").symlink_to(target)
    handed_in(bundle, student.top)
    assert target.read_text() == "mine"
    assert not (student.top / "result.json").is_symlink()
    assert result_of(student.top)["score"] == 0


@pytest.mark.thorough
def test_a_folder_where_the_result_goes_is_replaced(bundle, student):
    student.commit({"result.json/x": "mine", "release-body.md/y": "mine"}, "folders")
    done = handed_in(bundle, student.top)
    assert done.returncode == 0, done.stderr
    assert result_of(student.top)["score"] == 0


def test_a_checkout_of_something_else_is_a_verdict_that_says_so(bundle, tmp_path):
    other = Repository(tmp_path / "other")
    other.commit({"README.md": "x"})
    done = handed_in(bundle, other.top)
    assert done.returncode == 0, done.stderr
    assert "holds no lesson of" in result_of(other.top)["tests"][0]["detail"]
    assert "**Not judged.**" in (other.top / "release-body.md").read_text()


def test_a_bug_of_ours_is_an_infrastructure_error_without_a_traceback(bundle, student, tmp_path):
    broken = tmp_path / "broken"
    shutil.copytree(bundle, broken)
    engine = broken / "grader" / "grading" / "orders.py"
    engine.write_text(engine.read_text() + "\n\ndef look_twice(*_):\n    raise RuntimeError('x')\n")
    done = handed_in(broken, student.top)
    assert done.returncode == 3
    assert "Traceback" not in done.stderr + done.stdout
    assert "The grader failed, not you (RuntimeError: x)" in done.stdout


@pytest.mark.thorough
def test_a_broken_bundle_is_an_infrastructure_error_and_no_grade(bundle, student, tmp_path):
    broken = tmp_path / "broken"
    shutil.copytree(bundle, broken)
    (broken / "course.yaml").write_text("course: [")
    done = handed_in(broken, student.top)
    assert done.returncode == 2
    assert "course.yaml" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (student.top / "result.json").exists()


def test_without_an_environment_there_is_one_sentence_and_no_loop(bundle, student):
    """-S: no packages. The second start is told by the variable that it is the second."""
    done = subprocess.run(
        [sys.executable, "-I", "-S", str(bundle / "autograder.py")],
        cwd=student.top,
        env={**os.environ, **RUNNER, "TINYTORCH_AUTOGRADER_ENVIRONMENT": "x"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "could not be installed" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(
    "CLASSROOM50_RUNNER" not in os.environ, reason="CLASSROOM50_RUNNER: its runner.py"
)
def test_the_real_runner_accepts_our_result(bundle, student: Repository, tmp_path):
    """The runner fetches the bundle from a site; here the site is a folder served on loopback."""
    import functools
    import http.server
    import tarfile
    import threading

    student.commit(solution(3), "tensors and gradients")
    place = tmp_path / "site" / "tiny-f26" / "autograders"
    place.mkdir(parents=True)
    with tarfile.open(place / "tinytorch.tar.gz", "w:gz") as archive:
        for path in sorted(bundle.iterdir()):
            archive.add(path, path.name)
    handler = functools.partial(
        http.server.SimpleHTTPRequestHandler, directory=str(tmp_path / "site")
    )
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    environment = {
        **os.environ,
        "no_proxy": "127.0.0.1",
        "PAGES_BASE_URL": f"http://127.0.0.1:{server.server_address[1]}",
        "CLASSROOM": "tiny-f26",
        "ASSIGNMENT": "tinytorch",
        "SUBMISSION_TAG": RUNNER["SUBMISSION_TAG"],
        "GITHUB_REPOSITORY": "org/tiny-f26-tinytorch-ada",
        "GITHUB_SHA": student.git("rev-parse", "HEAD"),
        "GITHUB_SERVER_URL": "https://github.com",
        "GITHUB_ACTOR": "ada",
        "GITHUB_OUTPUT": str(tmp_path / "output"),
        "RUNNER_TEMP": str(tmp_path / "temp"),
    }
    (tmp_path / "temp").mkdir()
    done = subprocess.run(
        [sys.executable, os.environ["CLASSROOM50_RUNNER"]],
        cwd=student.top,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    server.shutdown()
    assert done.returncode == 0, done.stderr
    result = result_of(student.top)
    assert (result["owner"], result["score"], result["max-score"]) == ("ada", 20, 100)

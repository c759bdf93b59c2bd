"""The autograder of a Classroom 50 assignment: judges the checkout it is started in.

Goes, with what `python -m grader bundle` puts beside it, into CLASSROOM/autograders/ASSIGNMENT/ of
the organisation's classroom50 repository. The runner starts it with the student's checkout as the
current folder. The grader, the rules, the tests and the data are those of the bundle; nothing of
the checkout is imported or run outside of the sandbox.

Writes result.json (classroom50/result/v1) and release-body.md. Exits 0 when there is a verdict,
also a bad one; another status is an infrastructure error to the runner.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import tempfile
import venv
from collections.abc import Mapping
from pathlib import Path

BUNDLE = Path(__file__).resolve().parent
LOCK = BUNDLE / "requirements" / "grade.lock"
NEEDED = ("numpy", "yaml")
AGAIN = "TINYTORCH_AUTOGRADER_ENVIRONMENT"  # set in the second start, so that there is no third

# What the runner calls a submission -> its name in the schema.
SUBMISSION = {
    "CLASSROOM": "classroom",
    "ASSIGNMENT": "assignment",
    "ASSIGNMENT_TYPE": "assignment_type",
    "SUBMISSION_TAG": "submission",
    "COMMIT_URL": "commit",
    "RELEASE_URL": "release",
    "REVIEW_URL": "review",
}


def main() -> int:
    if any(importlib.util.find_spec(name) is None for name in NEEDED):
        return _start_again()
    sys.path.insert(0, str(BUNDLE))  # in front of the checkout: no file there is imported
    from grader.github.classroom50 import submission

    return submission.main(BUNDLE, Path.cwd(), _submission(os.environ))


def _submission(environment: Mapping[str, str]) -> dict[str, str]:
    given = {key: environment.get(name, "") for name, key in SUBMISSION.items()}
    given["owner"] = environment.get("OWNER") or environment.get("USERNAME", "")
    return {key: value for key, value in given.items() if value}


def _start_again() -> int:
    """In an environment of its own, with what the bundle locks."""
    if os.environ.get(AGAIN):
        sys.stderr.write(f"autograder: {', '.join(NEEDED)} could not be installed from {LOCK}.\n")
        return 1
    with tempfile.TemporaryDirectory(prefix="tinytorch-") as folder:
        venv.create(folder, with_pip=True, symlinks=os.name != "nt")
        python = Path(folder) / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
        install = [str(python), "-I", "-m", "pip", "install", "--quiet", "--require-hashes"]
        install += ["--disable-pip-version-check", "--only-binary=:all:", "-r", str(LOCK)]
        if subprocess.run(install, check=False).returncode != 0:
            sys.stderr.write(
                f"autograder: pip could not install {LOCK.name}.\n"
                "-> Run the submission again, or use a runtime image that holds NumPy and PyYAML.\n"
            )
            return 1
        environment = {**os.environ, AGAIN: folder}
        again = [str(python), "-E", "-s", str(Path(__file__).resolve())]
        return subprocess.run(again, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())

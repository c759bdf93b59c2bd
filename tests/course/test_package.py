"""The wheel and the sdist: built without the network, installed where nothing else of ours is."""

from __future__ import annotations

import shutil
import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("grader", "tito", "tinytorch")
BUILD = "import sys, setuptools.build_meta as b; b.build_{}(sys.argv[1])"

pytestmark = pytest.mark.slow


def build(kind, source, target):
    """The one file that KIND (wheel, sdist) of SOURCE is, in TARGET: PEP 517's own call."""
    subprocess.run(
        [sys.executable, "-c", BUILD.format(kind), str(target)],
        cwd=source,
        check=True,
        capture_output=True,
    )
    (made,) = target.iterdir()
    return made


def tracked(*folders):
    done = subprocess.run(
        ["git", "ls-files", "-z", *folders], cwd=ROOT, check=True, capture_output=True, text=True
    )
    return [name for name in done.stdout.split("\0")[:-1] if (ROOT / name).is_file()]


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """A copy of every tracked file as it lies here: building leaves folders behind."""
    top = tmp_path_factory.mktemp("package") / "checkout"
    for name in tracked():
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, top / name)
    return top


@pytest.fixture(scope="module")
def wheel(checkout, tmp_path_factory):
    return build("wheel", checkout, tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def wheel_of_sdist(checkout, tmp_path_factory):
    sdist = build("sdist", checkout, tmp_path_factory.mktemp("sdist"))
    unpacked = tmp_path_factory.mktemp("unpacked")
    with tarfile.open(sdist) as archive:
        archive.extractall(unpacked, filter="data")
    (source,) = unpacked.iterdir()
    return build("wheel", source, tmp_path_factory.mktemp("wheel-of-sdist"))


@pytest.fixture(scope="module")
def python(wheel, tmp_path_factory):
    """An interpreter that has the wheel, and of this one's packages only what they are by path.

    A .pth file adds a folder without reading the .pth files in it, such as that of an editable
    install.
    """
    top = tmp_path_factory.mktemp("environment")
    venv.create(top, with_pip=False, symlinks=True)
    installed = top / "bin" / "python"
    options = ("--quiet", "--disable-pip-version-check", "--no-index", "--no-deps")
    subprocess.run(
        [sys.executable, "-m", "pip", "--python", installed, "install", *options, wheel],
        check=True,
        capture_output=True,
    )
    (site,) = top.glob("lib/python*/site-packages")
    (site / "borrowed.pth").write_text(sysconfig.get_path("purelib"))
    return installed


def run(folder, *command):
    return subprocess.run(
        [str(word) for word in command], cwd=folder, capture_output=True, text=True, check=False
    )


def content(archive):
    """name -> content, without the list that is made of the rest."""
    with zipfile.ZipFile(archive) as opened:
        return {n: opened.read(n) for n in opened.namelist() if not n.endswith("/RECORD")}


def test_the_wheel_holds_every_file_of_the_packages_and_the_licence(wheel):
    held = content(wheel)
    assert {n for n in held if ".dist-info/" not in n} == set(tracked(*PACKAGES))
    assert [n for n in held if n.endswith("licenses/LICENSE")] != []


def test_the_sdist_makes_the_same_wheel(wheel, wheel_of_sdist):
    assert content(wheel_of_sdist) == content(wheel)


@pytest.mark.parametrize(
    ("command", "says"),
    [
        pytest.param(["tito", "--help"], "Build your own PyTorch", id="tito --help"),
        pytest.param(["tito", "--version"], "tito ", id="tito --version"),
        pytest.param(["python", "-m", "grader", "--help"], "grade", id="grader --help"),
    ],
)
def test_installed_outside_of_the_checkout_it_starts(python, tmp_path, command, says):
    done = run(tmp_path, python.parent / command[0], *command[1:])
    assert (done.returncode, done.stderr) == (0, "")
    assert says in done.stdout


def test_installed_outside_of_a_course_it_says_where_to_go(python, tmp_path):
    done = run(tmp_path, python.parent / "tito", "status")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        f"tito: {tmp_path} is not inside a git repository.\n"
        "-> Change into your course's folder: cd /path/to/TinyTorch\n"
    )


def test_installed_it_tests_a_module_in_a_course(python, tmp_path):
    """The worker's scripts are started by path: they must have come along."""
    subprocess.run(["git", "clone", "-q", ROOT, tmp_path / "course"], check=True)
    done = run(tmp_path / "course", python.parent / "tito", "module", "test", "00")
    assert (done.returncode, done.stderr) == (0, "")
    assert "00_setup: " in done.stdout

"""What the README and the docs say can be typed, and what they show was really printed."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import click
import pytest

from tito.main import cli

ROOT = Path(__file__).parents[2]
DOCUMENTS = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "SECURITY.md",
    ROOT / "release" / "README.md",
    *sorted((ROOT / "docs").glob("*.md")),
]
_CODE = re.compile(r"^```(?:console|bash|text)\n(.*?)^```", re.DOTALL | re.MULTILINE)
_INLINE = re.compile(r"`((?:tito|make|pytest|python -m) [^`]+)`")
_LINK = re.compile(r"\]\((?!https?:)([^)#]*)(?:#([^)]+))?\)")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
# What differs from run to run.
_VARYING = [
    (re.compile(r"- duration: [\d.]+s"), "- duration: 0s"),
    (re.compile(r"\[main [0-9a-f]{7}\]"), "[main 0000000]"),
    # Said where there is no terminal, and this test has none: some editors show one line only.
    (re.compile(r"tito: testing this commit\. .*\n"), ""),
]


def _id(path):
    return str(path.relative_to(ROOT))


def commands(document):
    """Every command that a document shows, in blocks and in running text."""
    text = document.read_text(encoding="utf-8")
    lines = [line for block in _CODE.findall(text) for line in block.splitlines()]
    typed = [line.removeprefix("$ ").split(" #")[0].strip() for line in lines]
    found = [c for c in typed if c.split(" ")[0] in ("tito", "make", "pytest", ".venv/bin/tito")]
    joined = [" ".join(c.split()) for c in _INLINE.findall(text)]
    return [c.removeprefix(".venv/bin/") for c in (*found, *joined)]


@pytest.mark.parametrize("document", DOCUMENTS, ids=_id)
def test_every_command_exists(document):
    assert [c for c in commands(document) if not _known(shlex.split(c))] == []


def _known(words):
    if words[0] == "make":
        return all(_make_target(w) for w in words[1:] if "=" not in w and not w.startswith("("))
    if words[0] == "pytest":
        node = next(w for w in words[1:] if not w.startswith("-"))
        path, _, name = node.partition("::")
        return (ROOT / path).exists() and f"def {name}" in (ROOT / path).read_text(encoding="utf-8")
    if words[0] == "python":
        return (ROOT / words[2].split(".")[0]).exists() or words[2] in ("venv", "pip", "pytest")
    return _tito(words[1:])


def _make_target(word):
    makefiles = (ROOT / "Makefile", ROOT / "release" / "Makefile")
    return any(
        re.search(rf"^{word}:", m.read_text(encoding="utf-8"), re.MULTILINE) for m in makefiles
    )


def _tito(words):
    command: click.Command = cli
    while words and isinstance(command, click.Group):
        found = command.commands.get(words[0])
        if found is None:
            return words[0].startswith("-")
        command, words = found, words[1:]
    options = {name for p in command.params for name in p.opts} | {"--help", "-h"}
    return all(w.split("=")[0] in options for w in words if w.startswith("--"))


@pytest.mark.parametrize("document", DOCUMENTS, ids=_id)
def test_every_link_leads_somewhere(document):
    # ../../raw and ../../tree are pages of GitHub, seen from a file at the top of a branch.
    links = [
        (target, anchor)
        for target, anchor in _LINK.findall(document.read_text(encoding="utf-8"))
        if not target.startswith(("../../raw/", "../../tree/"))
    ]
    assert [link for link in links if not _leads_somewhere(document, *link)] == []


def _leads_somewhere(document, target, anchor):
    place = document.parent / target if target else document
    return place.exists() and (not anchor or anchor in _anchors(place))


def _anchors(place):
    """The names that GitHub gives to headings."""
    headings = _HEADING.findall(place.read_text(encoding="utf-8"))
    return [re.sub(r"[^\w -]", "", h).strip().lower().replace(" ", "-") for h in headings]


def blocks():
    """Console blocks with output: (command, lines that followed)."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    found = []
    for block in re.findall(r"^```console\n(.*?)^```", text, re.DOTALL | re.MULTILINE):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, output = part.partition("\n")
            if output.strip():
                found.append((command, output))
    return found


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """What the demo prints, from a clean clone."""
    clone = tmp_path_factory.mktemp("docs") / "clone"
    subprocess.run(["git", "clone", "-q", str(ROOT), str(clone)], check=True)
    done = subprocess.run(
        [sys.executable, ".ci/demo.py", "demo"],
        cwd=clone,
        env={**os.environ, "PYTHONPATH": str(clone)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,  # git prints what hooks say to standard error
        check=False,
        timeout=600,
    )
    said = done.stdout.decode()
    assert done.returncode == 0, said[-2000:]
    return _settled(said)


@pytest.mark.slow
@pytest.mark.parametrize("block", blocks(), ids=lambda b: b[0])
def test_the_readme_shows_what_the_demo_prints(demo, block):
    command, output = block
    assert f"$ {command}\n" in demo
    assert _settled(output).rstrip() in demo


def _settled(text):
    for pattern, settled in _VARYING:
        text = pattern.sub(settled, text)
    return text

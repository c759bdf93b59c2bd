"""Badges for a README: an SVG and a shields.io endpoint per milestone, and one for all together.

The same report gives the same bytes. No script, no font, no link: what an <img> may hold.
"""

from __future__ import annotations

import enum
import json

from grader.reports import escape
from grader.verdicts.report import Report
from grader.verdicts.verdicts import MilestoneVerdict

ALL = "milestones"  # the name of the badge that counts them
HEIGHT = 22
_PAD = 7
_ICON = 14
_LEFT = "#2d333b"

# Advance widths of Verdana and DejaVu Sans at 11 px, in tenths of a pixel, from blank to tilde.
# fmt: off
_WIDTHS = (
    35, 44, 51, 92, 70, 105, 86, 30, 43, 43, 55, 92, 35, 40, 35, 37, 70, 70, 70, 70, 70, 70, 70,
    70, 70, 70, 37, 37, 92, 92, 92, 58, 110, 75, 75, 77, 85, 70, 63, 85, 83, 32, 32, 72, 61, 95,
    82, 87, 66, 87, 76, 70, 67, 81, 75, 109, 75, 67, 75, 43, 37, 43, 92, 55, 55, 67, 70, 60, 70,
    68, 39, 70, 70, 31, 31, 64, 31, 107, 70, 67, 70, 70, 45, 57, 43, 70, 65, 90, 65, 65, 58, 70,
    37, 70, 92,
)
# fmt: on
_WIDEST = 110

# In a box of 14 by 14. Shapes tell the states apart where colours do not.
_LOCK = (
    '<path fill="none" stroke="#fff" stroke-width="1.6" d="M4.2 7V4.6a2.8 2.8 0 0 1 {end}"/>'
    '<rect x="2.5" y="6.6" width="9" height="6.4" rx="1.3" fill="#fff"/>'
)
_ICONS = {
    "locked": _LOCK.format(end="5.6 0V7"),
    "unlocked": _LOCK.format(end="5.3-1"),
    "earned": (
        '<path fill="#fff" d="M7 .8l1.9 4 4.3.6-3.1 3 .8 4.4L7 10.7l-3.9 2.1.8-4.4-3.1-3 4.3-.6z"/>'
    ),
    "regressed": (
        '<path fill="#fff" fill-rule="evenodd" d="M7 1l6.4 11.6H.6zM6.2 5v4.2h1.6V5zm0 '
        '5.2v1.5h1.6v-1.5z"/>'
    ),
}


class State(enum.Enum):
    """What a badge says. value: (word, colour); white text has a contrast above 4.5 on each."""

    LOCKED = ("locked", "#636c76")
    UNLOCKED = ("unlocked", "#0969da")
    EARNED = ("earned", "#1a7f37")
    REGRESSED = ("regressed", "#bc4c00")

    @property
    def word(self) -> str:
        return self.value[0]

    @property
    def colour(self) -> str:
        return self.value[1]


def files(report: Report) -> dict[str, str]:
    """<milestone>.svg and .json for each, milestones.svg and .json for all."""
    states = {i: state(v) for i, v in report.standing.milestones.items()}
    made: dict[str, str] = {}
    for milestone_id, verdict in report.standing.milestones.items():
        found = states[milestone_id]
        made[f"{milestone_id}.svg"] = svg(
            verdict.milestone.name, found.word, found, title(verdict, found)
        )
        made[f"{milestone_id}.json"] = endpoint(verdict.milestone.name, found.word, found)
    earned = sum(s is State.EARNED for s in states.values())
    lost = sum(s is State.REGRESSED for s in states.values())
    count = f"{earned}/{len(states)}"
    whole = State.REGRESSED if lost else State.EARNED if earned == len(states) else State.UNLOCKED
    if not earned and not lost:
        whole = State.LOCKED
    told = f"{report.title}: {earned} of {len(states)} milestones earned"
    if lost:
        told += f", {lost} regressed"
    icon = "earned" if whole is State.UNLOCKED else whole.word  # some are earned
    made[f"{ALL}.svg"] = svg(ALL, count, whole, told, icon)
    made[f"{ALL}.json"] = endpoint(ALL, count, whole)
    return made


def state(verdict: MilestoneVerdict) -> State:
    if verdict.achieved:
        return State.EARNED
    if verdict.earned is not None:
        return State.REGRESSED if verdict.regressed else State.EARNED
    return State.UNLOCKED if verdict.unlocked else State.LOCKED


def title(verdict: MilestoneVerdict, found: State) -> str:
    """What a screen reader says, and the pointer shows."""
    told = f"{verdict.milestone.name}: {found.word}"
    if verdict.earned is not None:
        told += f", earned by {verdict.earned.commit[:10]}"
        told += f" on {verdict.earned.when[:10]}" if verdict.earned.when else ""
    return told


def endpoint(label: str, message: str, found: State) -> str:
    """For https://img.shields.io/endpoint (public repositories only)."""
    values = {
        "schemaVersion": 1,
        "label": escape.line(label, 60),
        "message": message,
        "color": found.colour.lstrip("#"),
    }
    return json.dumps(values) + "\n"


def svg(label: str, message: str, found: State, told: str, icon: str = "") -> str:
    """told: the whole of it in words.  icon: a state's word, if not that of FOUND."""
    label, message = escape.line(label, 60), escape.line(message, 20)
    left_text, right_text = _width(label), _width(message)
    text_x = _PAD + _ICON + 5
    left = text_x + left_text + _PAD
    right = right_text + 2 * _PAD
    width = left + right
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{HEIGHT}" '
        f'viewBox="0 0 {width} {HEIGHT}" role="img" aria-labelledby="t">',
        f'<title id="t">{escape.xml(told)}</title>',
        '<linearGradient id="g" x2="0" y2="1"><stop offset="0" stop-color="#fff" '
        'stop-opacity=".1"/><stop offset="1" stop-opacity=".08"/></linearGradient>',
        f'<clipPath id="c"><rect width="{width}" height="{HEIGHT}" rx="5"/></clipPath>',
        '<g clip-path="url(#c)">',
        f'<rect width="{left}" height="{HEIGHT}" fill="{_LEFT}"/>',
        f'<rect x="{left}" width="{right}" height="{HEIGHT}" fill="{found.colour}"/>',
        f'<rect width="{width}" height="{HEIGHT}" fill="url(#g)"/>',
        "</g>",
        f'<g transform="translate({_PAD} 4)" aria-hidden="true">{_ICONS[icon or found.word]}</g>',
        '<g fill="#fff" font-family="Verdana,Geneva,DejaVu Sans,sans-serif" font-size="11" '
        'aria-hidden="true" text-rendering="geometricPrecision">',
        _text(text_x, left_text, label),
        _text(left + _PAD, right_text, message),
        "</g>",
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def _text(x: int, width: int, text: str) -> str:
    # textLength: with another font the text is spaced to fit, never cut.
    return f'<text x="{x}" y="15" textLength="{width}">{escape.xml(text)}</text>'


def _width(text: str) -> int:
    """Of TEXT in pixels, rounded up."""
    tenths = sum(_WIDTHS[ord(c) - 32] if 32 <= ord(c) < 127 else _WIDEST for c in text)
    return -(-tenths // 10)

"""How large a lesson of this course is: an evening's work, in functions that fit on a screen."""

from __future__ import annotations

from grader.proof.content import Sizes

SIZES = Sizes(functions=(5, 30), lines=(40, 150), longest=(1, 12), probes=(15, 999))

"""What the judge asks a module's code to compute, and computes again itself.

One file and one line here per module of the course.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

from grader.errors import CourseError

if TYPE_CHECKING:
    from grader.probes.base import Probe

# By name, because they need NumPy and the hooks must not pay for it.
PROBES = {
    "00_setup": "grader.probes.setup",
    "01_tensor": "grader.probes.tensor",
    "02_autograd": "grader.probes.autograd",
    "03_nn": "grader.probes.nn",
    "04_training": "grader.probes.training",
    "07_spatial": "grader.probes.spatial",
    "11_embeddings": "grader.probes.embeddings",
    "12_attention": "grader.probes.attention",
}


def probes(module_id: str) -> Sequence[Probe]:
    if module_id not in PROBES:
        raise CourseError(
            f"course.yaml names the module '{module_id}', for which there are no probes.",
            hint=f"Write grader/probes/{module_id.partition('_')[2]}.py and name it in "
            "grader/probes/__init__.py.",
        )
    found: Sequence[Probe] = importlib.import_module(PROBES[module_id]).PROBES
    return found

"""What can a person type? One file per group of commands and one line here."""

from __future__ import annotations

import click

from tito.commands.course import course
from tito.commands.doctor import doctor
from tito.commands.export import export
from tito.commands.grade import grade
from tito.commands.milestone import milestone
from tito.commands.module import module
from tito.commands.setup import setup
from tito.commands.status import status
from tito.commands.verify import verify

COMMANDS: tuple[click.Command, ...] = (
    setup,
    doctor,
    status,
    module,
    milestone,
    verify,
    grade,
    export,
    course,
)

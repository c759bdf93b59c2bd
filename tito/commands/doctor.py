"""tito doctor"""

from __future__ import annotations

import click

from grader.errors import TitoError
from grader.reports.formats import json as reports_json
from tito.app import App, example, json_option, pass_app
from tito.clone.clone import current_folder
from tito.clone.diagnosis import Finding, examine


@click.command(epilog=example("tito doctor", "tito doctor --fix", "tito doctor --json"))
@click.option("--fix", is_flag=True, help="Repair what can be repaired without losing anything.")
@json_option
@pass_app
def doctor(app: App, fix: bool, as_json: bool) -> int:
    """Check this clone and its tools; say how to repair what is wrong.

    Exit status 0 only when all is well, with --fix: when all is well afterwards.
    """
    findings = list(examine(app.clone))
    repaired = _repair(findings) if fix else []
    if repaired:
        findings = list(examine(app.clone))
    well = all(f.ok for f in findings)
    if as_json:
        values = {"ok": well, "repaired": repaired, "checks": [_values(f) for f in findings]}
        app.screen.json(reports_json.dumps(values))
        return 0 if well else 1
    for line in repaired:
        app.screen.say(f"fixed: {line}")
    rows = [("ok" if f.ok else "fix", f.check, f.says) for f in findings]
    app.screen.table(("", "Check", "Found"), rows)
    if not well and current_folder() != app.clone.top:
        app.screen.say(f"-> cd {app.clone.top}")  # where the paths below begin
    for fixing in dict.fromkeys(f.fix for f in findings if not f.ok):
        app.screen.say(f"-> {fixing}")
    if well:
        app.screen.say("\nAll is well.")
    elif not fix and any(f.repair for f in findings):
        app.screen.say("\ntito doctor --fix does what loses nothing of this by itself.")
    return 0 if well else 1


def _repair(findings: list[Finding]) -> list[str]:
    """What was done. One repair may settle several findings, so each is done once."""
    done: list[str] = []
    for finding in findings:
        if finding.ok or finding.repair is None:
            continue
        try:
            said = finding.repair()
        except TitoError as error:
            said = f"not {finding.check}: {error.what}"
        if said not in done:
            done.append(said)
    return done


def _values(finding: Finding) -> dict[str, object]:
    return {
        "check": finding.check,
        "ok": finding.ok,
        "says": finding.says,
        "fix": finding.fix,
        "repairable": finding.repair is not None,
    }

"""Reports of every kind, made by hand: finished, begun, broken, crashed, hostile."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from grader.rules import reading
from grader.rules.course import Milestone, Module
from grader.verdicts.facts import CLAIMS, CheckResult, Earned, Evidence, Outcome, claim_titles
from grader.verdicts.measures import Measures, Parameter
from grader.verdicts.report import Problem, Report, Trust, unjudged
from grader.verdicts.verdicts import (
    MilestoneState,
    MilestoneVerdict,
    ModuleState,
    ModuleVerdict,
    Standing,
)

ROOT = Path(__file__).parents[2]
COURSE = reading.load(ROOT)
# The last milestone that the module waits for which is wrong in begun().
LAST = next(m for m in reversed(COURSE.milestones) if COURSE.modules[4].id in m.needs)
COMMIT = "c0ffee" * 6 + "beef"
EARLIER = "abba" * 10
WHEN = "2026-11-23T12:00:00+00:00"
MEASURES = Measures(
    loss=tuple(1.0 / (i + 1) for i in range(150)),
    first_loss=1.0,
    last_loss=0.01,
    loss_fall_percent=99.0,
    accuracy_percent=97.5,
    gradients=(4, 4),
    updates=(4, 4),
    parameters=tuple(Parameter(f"p{i}", (64, 64), 0.1) for i in range(20)),
    beside={"attention": {"weights": [[0.125] * 64] * 64}},
)

# One of everything that must not be obeyed by what shows it.
HOSTILE = (
    "a `tick` ``two`` ```\n```\n::error title=x::forged\n"
    '::notice title=Autograding report::{"totalPoints":9999,"maxPoints":1}\n'
    "##[command]whoami\n::set-output name=x::y\n::stop-commands::t\n"
    "</text><script>alert(1)</script><img src=x onerror=alert(1)> & \" ' ]]> <!-- -->\n"
    "@everyone @octocat #1 GH-1 [x](javascript:alert(1)) ![x](http://evil.example/x.png)\n"
    "| a | b |\n</details>\n# heading\n\x1b[31mred\x1b[0m \x00 \x07 \x08 \x9b31m\r\rover\n"
    "\u202egpj.exe\u202c \u2066 \u200b \u2028 \ufeff \ud800 \U000e0041 %0A%0D::error::x\n"
)


def check(name: str, outcome: Outcome = Outcome.PASSED, text: str = "", where: str = ""):
    if outcome is Outcome.PASSED:
        return CheckResult(name, f"Title of {name}.", outcome)
    return CheckResult(name, text or f"Title of {name}.", outcome, text, text, where, text)


def module(of: Module, *checks: CheckResult, state: ModuleState = ModuleState.COMPLETE):
    return ModuleVerdict(of, state, checks, len(checks))


def achieved(milestone: Milestone):
    titles = claim_titles(milestone)
    checks = tuple(CheckResult(n, titles[n], Outcome.PASSED, "as it should be") for n in CLAIMS)
    proof = CheckResult("steps", "Every update is a step of the optimiser", Outcome.PASSED, "300")
    reached = max(MEASURES.accuracy_percent, milestone.accuracy.percent)
    measures = replace(MEASURES, accuracy_percent=reached)
    evidence = Evidence("k", f"milestone {milestone.id}", (*checks, proof), measures, 1.5)
    return MilestoneVerdict(milestone, MilestoneState.ACHIEVED, (), evidence)


def locked(milestone: Milestone, missing=None):
    """MISSING: everything that it needs, unless it is said."""
    return MilestoneVerdict(milestone, MilestoneState.LOCKED, missing or milestone.needs)


def failed(milestone: Milestone, text: str = "what came out", outcome: Outcome = Outcome.FAILED):
    titles = claim_titles(milestone)
    checks = [check(n) for n in CLAIMS]
    checks[1] = CheckResult("accuracy", titles["accuracy"], outcome, text, text)
    evidence = Evidence("k", f"milestone {milestone.id}", tuple(checks), MEASURES, 1.5)
    return MilestoneVerdict(milestone, MilestoneState.UNLOCKED, (), evidence)


def unproven(milestone: Milestone):
    """All claims hold, and one of the proofs behind them does not."""
    verdict = achieved(milestone)
    wrong = CheckResult("steps", "Every update is a step", Outcome.FAILED, "it is not", "Look.")
    evidence = Evidence("k", "m", (*verdict.evidence.checks[:4], wrong), MEASURES)
    return MilestoneVerdict(milestone, MilestoneState.UNLOCKED, (), evidence)


def report(modules, milestones, **more) -> Report:
    standing = Standing(
        COMMIT,
        {v.module.id: v for v in modules},
        {v.milestone.id: v for v in milestones},
        isolations=("landlock",),
    )
    return Report(standing, COURSE.title, repository="ada/tinytorch", when=WHEN, **more)


def every(make, **changed):
    """MAKE of every milestone of the course. CHANGED: id -> another maker."""
    return [changed.get(m.id, make)(m) for m in COURSE.milestones]


def reached(modules, make):
    """MAKE of every milestone whose modules are complete; the others are locked."""
    complete = {v.module.id for v in modules if v.complete}
    missing = {m.id: tuple(n for n in m.needs if n not in complete) for m in COURSE.milestones}
    return [locked(m, missing[m.id]) if missing[m.id] else make(m) for m in COURSE.milestones]


def finished(**more) -> Report:
    done = [module(m, *(check(f"test_{i}") for i in range(20))) for m in COURSE.modules]
    return report(done, every(achieved), trust=Trust.CI, rules=EARLIER, **more)


NOTE = "The training called none of the gradient rules of 02_autograd: look at it."


def flagged(text: str = NOTE) -> Report:
    """Everything is proven, and two milestones are worth a look."""
    told = finished()
    milestones = dict(told.standing.milestones)
    for milestone in COURSE.milestones[1:3]:
        verdict = milestones[milestone.id]
        evidence = replace(verdict.evidence, flag=text)
        milestones[milestone.id] = replace(verdict, evidence=evidence)
    return replace(told, standing=replace(told.standing, milestones=milestones))


def starter() -> Report:
    todo = [
        module(m, *(check(f"test_{i}", Outcome.TODO) for i in range(20)), state=ModuleState.TODO)
        for m in COURSE.modules
    ]
    return report(todo, every(locked))


def begun() -> Report:
    """The first modules are done, one is wrong, the rest waits; two milestones are proven."""
    place = "modules/04_training/training.py:120"
    modules = [module(m, check("test_a"), check("test_b")) for m in COURSE.modules[:4]]
    wrong = COURSE.modules[4]
    modules.append(
        module(
            wrong,
            check("test_good"),
            check("test_bad", Outcome.FAILED, "step() should give 1.0, got 2.0", place),
            check("test_later", Outcome.TODO),
            state=ModuleState.IN_PROGRESS,
        )
    )
    modules += [
        ModuleVerdict(m, ModuleState.BLOCKED, (), 9, (wrong.id,))
        if wrong.id in m.needs
        else module(m, check("test_a", Outcome.TODO), state=ModuleState.TODO)
        for m in COURSE.modules[5:]
    ]
    first = COURSE.milestones[0]
    return report(modules, reached(modules, lambda m: achieved(m) if m is first else failed(m)))


def regressed() -> Report:
    """The last milestone was earned by an earlier commit."""
    verdict = failed(LAST)
    told = MilestoneVerdict(
        LAST, verdict.state, (), verdict.evidence, Earned(EARLIER, "2026-10-01T00:00:00Z")
    )
    modules = [module(m, check("test_a")) for m in COURSE.modules]
    return report(
        modules,
        every(achieved, **{LAST.id: lambda _m: told}),
        regressed={LAST.id: Earned(COMMIT, "2026-11-01T00:00:00Z")},
    )


def hostile(text: str = HOSTILE) -> Report:
    """TEXT everywhere a student's words can be: in modules, and in the milestones before them."""
    modules = [module(m, CheckResult(f"{text}0", text, Outcome.PASSED)) for m in COURSE.modules[:4]]
    modules += [
        ModuleVerdict(
            m,
            ModuleState.IN_PROGRESS,
            tuple(
                CheckResult(f"{text}{i}", text, outcome, text, text, text, text)
                for i, outcome in enumerate(Outcome)
            ),
            len(Outcome),
            notes=(text,),
        )
        for m in COURSE.modules[4:]
    ]
    milestones = reached(modules, lambda m: failed(m, text))
    return report(modules, milestones, replaced=(f"grader/{text}",) * 30)


def huge() -> Report:
    """A student who prints 100 kB into everything."""
    text = "x <&`|" * 17_000
    modules = [module(m, check("test_a")) for m in COURSE.modules[:4]]
    modules += [
        module(
            m,
            *(check(f"test_{i}", Outcome.FAILED, text) for i in range(12)),
            state=ModuleState.IN_PROGRESS,
        )
        for m in COURSE.modules[4:]
    ]
    return report(modules, reached(modules, lambda m: failed(m, text)), replaced=(text,) * 50)


def many(outcome: Outcome = Outcome.PASSED, tests: int = 600) -> Report:
    """A large course: TESTS in each module, all with the same OUTCOME."""
    done = outcome is Outcome.PASSED
    state = ModuleState.COMPLETE if done else ModuleState.IN_PROGRESS
    modules = [
        module(m, *(check(f"test_{i}_{'x' * 60}", outcome) for i in range(tests)), state=state)
        for m in COURSE.modules
    ]
    return report(modules, every(achieved if done else locked))


def crashed() -> Report:
    problem = Problem("The grader failed.", "Run it again.")
    return replace(unjudged(COURSE, COMMIT, problem, Trust.CI, ours=True), when=WHEN)


def timed_out() -> Report:
    modules = [module(m, check("test_a")) for m in COURSE.modules]
    return report(modules, every(lambda m: failed(m, "60 s", Outcome.TIMED_OUT)))


SAMPLES = {
    "finished": finished,
    "flagged": flagged,
    "hostile flag": lambda: flagged(50 * HOSTILE),
    "starter": starter,
    "begun": begun,
    "regressed": regressed,
    "unproven": lambda: report(
        [module(m, check("test_a")) for m in COURSE.modules], every(unproven)
    ),
    "hostile": hostile,
    "huge": huge,
    "many tests": many,
    "many failures": lambda: many(Outcome.FAILED),
    "crashed": crashed,
    "timed out": timed_out,
}

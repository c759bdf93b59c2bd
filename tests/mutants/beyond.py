"""What probes and milestones do not see, each with its reason. The inline tests see all of it."""

from __future__ import annotations

WIDER = "another number format: a library that computes in 64 bits is right"
TIE = "any share among equal entries is a right slope"
INSIDE = "the numbers are the same: only memory, time or a warning differs"
FREE = "the documents say it, and a library that does otherwise is not wrong for that"

# Mutant -> why no probe fails.
PROBES: dict[str, str] = {
    "00-A01": WIDER,
    "00-A03": WIDER,
    "00-A05": INSIDE,
    "00-A12": WIDER,
    "00-C04": FREE,
    "00-C100": FREE,
    "01-A34": INSIDE,
    "01-A36": WIDER,
    "01-A65": FREE,
    "01-C103": FREE,
    "02-A76": INSIDE,
    "02-A77": WIDER,
    "02-A87": INSIDE,
    "02-A107": INSIDE,
    "02-A114": TIE,
    "03-A132": TIE,
    "03-A136": INSIDE,
    "03-A137": "1 / (1 + e**50) is 0 to every purpose; tanh gives 0 there, too",
    "03-A139": WIDER,
    "03-A158": FREE,
    "03-A161": FREE,
    "03-C104": FREE,
    "03-C105": FREE,
    "04-A183": FREE,
    "04-A190": FREE,
    "04-A192": FREE,
    "04-A193": WIDER,
    "04-A201": FREE,
    "04-A206": FREE,
    "04-A243": "which examples an epoch leaves out shows over many epochs only",
    "07-S10": "NumPy refuses the window itself",
    "07-S17": WIDER,
    "07-S20": WIDER,
    "07-S27": INSIDE,
    "07-S36": TIE,
    "11-E05": "NumPy refuses the row itself",
    "11-E06": FREE,
    "11-E12": WIDER,
    "11-E15": WIDER,
    "11-E27": FREE,
    "11-E37": WIDER,
    "12-T04": WIDER,
    "12-T08": FREE,
    "12-T09": WIDER,
    "12-T12": FREE,
    "12-T49": WIDER,
    "12-T64": INSIDE,
}

ROUNDING = "right but for its rounding, which a training magnifies"
SMALL = "1e-5 beside a variance of about 1: less than what float32 rounds away in a training"

# Mutant -> milestone -> why its evidence holds, although other numbers are reported.
EVIDENCE: dict[str, dict[str, str]] = {
    "00-A01": {"cnn": WIDER, "transformer": WIDER},
    "00-A12": {"cnn": WIDER, "transformer": WIDER},
    "01-A49": {"transformer": WIDER},
    "02-A77": {"cnn": WIDER},
    "02-A85": {"transformer": ROUNDING},
    "03-M59": {"transformer": ROUNDING},
    "03-A140": {"transformer": ROUNDING},
    "04-A177": {"cnn": ROUNDING, "transformer": ROUNDING},
    "04-A178": {"cnn": ROUNDING, "transformer": ROUNDING},
    "07-S17": {"cnn": WIDER},
    "07-S20": {"cnn": WIDER},
    "11-E15": {"transformer": WIDER},
    "11-E37": {"transformer": WIDER},
    "12-T04": {"transformer": WIDER},
    "12-T09": {"transformer": WIDER},
    "12-T49": {"transformer": WIDER},
    "12-M147": {"transformer": SMALL},
    "12-T40": {"transformer": SMALL},
}

"""Tries what a confined worker must not be able to do. The child of grader.sandbox.choice.

It has no student code beside it, so its answer can be believed.
"""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Callable

_here = os.path.dirname(os.path.abspath(__file__))  # pathlib costs 10 ms
sys.path.append(_here)
from channel import Channel, prepare


def main() -> None:
    channel = Channel()
    request = channel.request()
    prepare(request)
    secret = request["program"]["secret"]
    attempts: dict[str, Callable[[], object]] = {
        "files": lambda: os.open(secret, os.O_RDONLY),
        "processes": _fork,
        "signals": lambda: os.kill(os.getppid(), 0),
        "network": socket.socket,
    }
    for name, attempt in attempts.items():
        channel.send(event="start", check=name)
        try:
            attempt()
        except OSError as refused:
            channel.send(event="done", check=name, outcome="passed", message=str(refused))
        else:
            channel.send(event="done", check=name, outcome="failed", message="not refused")
    os._exit(0)


def _fork() -> None:
    if os.fork() == 0:
        os._exit(0)


main()

"""Trains with the library of the tiny course's student. Runs in the child."""

from tests.tito.content.common import train

__all__ = ["train"]

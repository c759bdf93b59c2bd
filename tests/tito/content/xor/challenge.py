"""The same number once more, with a later module of the library."""

from tests.tito.content.perceptron.challenge import CHALLENGE

__all__ = ["CHALLENGE"]

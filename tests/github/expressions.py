"""The expressions of workflow files, as far as ours use them: enough to run them in a test."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

_TOKEN = re.compile(r"\s*(\|\||&&|==|!=|!|\(|\)|,|'(?:[^']|'')*'|[A-Za-z_][\w.-]*|\d+)")
_WHOLE = re.compile(r"\$\{\{(.*?)\}\}", re.DOTALL)


class Expression:
    """values: the contexts (github, steps, ...).  functions: name -> what it returns."""

    def __init__(self, values: Mapping[str, Any], functions: Mapping[str, Callable[[], Any]]):
        self._values = values
        self._functions = functions
        self._tokens: list[str] = []

    def text(self, template: Any) -> str:
        """TEMPLATE with every ${{ }} replaced."""
        return _WHOLE.sub(lambda match: _shown(self.value(match.group(1))), _shown(template))

    def holds(self, condition: str) -> bool:
        whole = _WHOLE.fullmatch(condition.strip())
        return bool(self.value(whole.group(1) if whole else condition))

    def value(self, source: str) -> Any:
        position, tokens = 0, []
        while source[position:].strip():
            match = _TOKEN.match(source, position)
            assert match, f"not understood: {source[position:]!r}"
            tokens.append(match.group(1))
            position = match.end()
        self._tokens = tokens
        found = self._any()
        assert not self._tokens, f"left over: {self._tokens}"
        return found

    def _take(self, *wanted: str) -> str | None:
        if self._tokens and (not wanted or self._tokens[0] in wanted):
            return self._tokens.pop(0)
        return None

    def _any(self) -> Any:
        left = self._all()
        while self._take("||"):
            right = self._all()
            left = left or right
        return left

    def _all(self) -> Any:
        left = self._compared()
        while self._take("&&"):
            right = self._compared()
            left = left and right
        return left

    def _compared(self) -> Any:
        left = self._single()
        sign = self._take("==", "!=")
        if sign is None:
            return left
        same = _folded(left) == _folded(self._single())
        return same if sign == "==" else not same

    def _single(self) -> Any:
        if self._take("!"):
            return not self._single()
        if self._take("("):
            found = self._any()
            assert self._take(")")
            return found
        token = self._take()
        assert token, "the expression ends too early"
        if token.startswith("'"):
            return token[1:-1].replace("''", "'")
        if token.isdigit():
            return int(token)
        if self._take("("):
            assert self._take(")"), f"{token} with arguments is not understood"
            return self._functions[token]()
        return self._path(token)

    def _path(self, token: str) -> Any:
        value: Any = {**self._values, "true": True, "false": False, "null": None}
        for part in token.split("."):
            value = value.get(part) if isinstance(value, Mapping) else None
        return value


def _folded(value: Any) -> Any:
    """GitHub compares texts without regard to case."""
    return value.casefold() if isinstance(value, str) else value


def _shown(value: Any) -> str:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)

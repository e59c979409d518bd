"""Undo and redo: the states that were, in a file."""

import json
from dataclasses import dataclass, field
from pathlib import Path

from reparo.app.state import State
from reparo.errors import InputError
from reparo.files import checks
from reparo.files.folder import whole_file

KEPT = 100  # states


@dataclass
class History:
    """`session.json`: every state so far, and which of them is the present one."""

    path: Path
    states: list[State] = field(default_factory=lambda: [State()])
    at: int = 0

    @classmethod
    def read(cls, path: Path) -> "History":
        """What the file holds; a new history where there is none."""
        if not path.is_file():
            return cls(path)
        where = str(path)
        top = checks.table(checks.read_json(path), where, ("states", "at"), ())
        try:
            states = [State.from_json(one, where) for one in top["states"]]
            at = int(top["at"])
            if not 0 <= at < len(states):
                raise ValueError(at)
        except (TypeError, ValueError, AttributeError) as error:
            raise InputError(f"{path} is broken: {error}; delete it to begin anew") from error
        return cls(path, states, at)

    @property
    def now(self) -> State:
        """The present state."""
        return self.states[self.at]

    def go(self, state: State) -> None:
        """A new present; what was undone is gone."""
        self.states = [*self.states[: self.at + 1], state][-KEPT:]
        self.at = len(self.states) - 1
        self._write()

    def undo(self) -> bool:
        """Back by one; False at the start."""
        return self._to(self.at - 1)

    def redo(self) -> bool:
        """Forward by one; False at the end."""
        return self._to(self.at + 1)

    def begin(self) -> None:
        """Forgets everything."""
        self.states, self.at = [State()], 0
        self._write()

    @property
    def words(self) -> tuple[str | None, str | None]:
        """What undo would take back and redo bring again, if anything."""
        before = self.now.said if self.at else None
        after = self.states[self.at + 1].said if self.at + 1 < len(self.states) else None
        return before, after

    @property
    def scenes(self) -> set[str]:
        """The results that some state shows."""
        return {state.scene for state in self.states if state.scene}

    def _to(self, at: int) -> bool:
        if not 0 <= at < len(self.states):
            return False
        self.at = at
        self._write()
        return True

    def _write(self) -> None:
        text = json.dumps({"states": [one.as_json() for one in self.states], "at": self.at})
        with whole_file(self.path) as path:
            path.write_text(text + "\n", encoding="utf-8")

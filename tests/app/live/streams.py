"""A venue that lives on a random stream of commands, batch by batch, and the copies readers make of it.
Called by the tests of live state, of the changes of a batch and of the hub."""

from collections.abc import Iterator, Sequence
from copy import deepcopy
from random import Random
from typing import Any

from engine.changes import Changes, changes_all, changes_of, changes_pack, changes_unpack
from engine.core.commands import Command
from engine.core.engine import Applied, Engine
from engine.messages import fields_pack, wire_decode, wire_encode
from tests.model.generate import START_NS, Generator
from tests.model.market import setup
from tests.model.model import Model

DEPTH_LEVELS = 20


class Stream:
    """An engine fed with a seeded stream; the slow model only steers the generator."""

    def __init__(self, seed: int, *, batch_max: int = 40) -> None:
        self.engine = Engine()
        self._model = Model()
        self._random = Random(seed)
        self._batch_max = batch_max
        self._generator = Generator(self._model.venue, seed)

    def begin(self) -> Changes:
        """The market of the model's tests: listed, opened, funded."""
        return self.apply(deepcopy(setup()), START_NS)

    def apply(self, commands: Sequence[Command | None], time: int) -> Changes:
        """One batch for both; what it changed, as it arrives in a web process."""
        for number, command in enumerate(commands, self.engine.seq + 1):
            if self._model.venue.seq < number:
                self._model.apply(deepcopy(command), number, time)
        return through_the_wire(changes_of(self.engine, self.applied(commands, time)))

    def applied(self, commands: Sequence[Command | None], time: int) -> Applied:
        return self.engine.apply(commands, self.engine.seq + 1, time)

    def batches(self, count: int) -> Iterator[tuple[list[Command | None], int]]:
        """About `count` commands in batches of one time each; the caller applies them."""
        batch: list[Command | None] = []
        size, at = self._random.randint(1, self._batch_max), START_NS
        for time, command in self._generator.commands(count):
            if batch and (time != at or len(batch) == size):
                yield batch, at
                batch, size = [], self._random.randint(1, self._batch_max)
            at = time
            # The generator looks at the model to choose its next command.
            self._model.apply(deepcopy(command), self.engine.seq + len(batch) + 1, time)
            batch.append(command)
        if batch:
            yield batch, at

    def run(self, count: int) -> Iterator[Changes]:
        """Apply the batches; what each changed."""
        for commands, time in self.batches(count):
            yield self.apply(commands, time)


def through_the_wire(changes: Changes) -> Changes:
    """As a web process receives it."""
    return changes_unpack(wire_decode(wire_encode(changes_pack(changes))))


class Copy:
    """What a reader holds: everything by id, as packed fields so that equality means every field."""

    def __init__(self) -> None:
        self.accounts: dict[int, Any] = {}
        self.orders: dict[int, Any] = {}
        self.ended: dict[int, Any] = {}
        self.instruments: dict[str, Any] = {}
        self.depths: dict[str, Any] = {}
        self.settings: dict[str, int] = {}

    @classmethod
    def fresh(cls, engine: Engine) -> "Copy":
        """All of the engine's present state."""
        copy = cls()
        for changes in changes_all(engine, DEPTH_LEVELS):
            copy.take(changes)
        return copy

    def take(self, changes: Changes) -> None:
        """Carry in what a batch changed."""
        self.accounts |= {view.account_id: fields_pack(view) for view in changes.accounts}
        self.orders |= {view.order_id: fields_pack(view) for view in changes.orders}
        for view in changes.ended:
            assert view.order_id not in self.ended, "an order ends once"
            self.ended[view.order_id] = view
            self.orders.pop(view.order_id, None)
        self.instruments |= {view.spec.instrument: fields_pack(view) for view in changes.instruments}
        self.depths |= {view.instrument: fields_pack(view) for view in changes.depths}
        self.settings |= changes.settings

    def differences(self, other: "Copy") -> list[str]:
        """Where two copies differ, finished orders aside (the engine has forgotten them)."""
        found = []
        for name in ("accounts", "orders", "instruments", "depths", "settings"):
            mine, theirs = getattr(self, name), getattr(other, name)
            found += [
                f"{name} {key}: {mine.get(key)} != {theirs.get(key)}"
                for key in mine.keys() | theirs.keys()
                if mine.get(key) != theirs.get(key)
            ]
        return found

"""The garbage collector by hand: a full collection over a large book would stop trading for most of a second.
Used by the leader; the core leaves no cycles, so what collections find comes from the libraries around it."""

import gc


class Collector:
    """Off while it is entered; young objects are looked through when the leader is idle."""

    def __enter__(self) -> "Collector":
        gc.collect()
        gc.freeze()
        gc.disable()
        return self

    def __exit__(self, *_: object) -> None:
        gc.enable()
        gc.unfreeze()

    def idle(self) -> None:
        """Collect what is new since last time; what survives is not looked at again."""
        gc.collect(1)
        gc.freeze()

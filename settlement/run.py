"""One end of day as a row with a cursor: how far it is, what it waits for, when it was done.
Written by settlement/day.py only."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from engine.core import terms


class SettlementRun(models.Model):
    """The roll of one trading day into the next. The engine knows how far it is too: this row follows it, so
    that a run that was killed goes on where it stopped."""

    class State(models.TextChoices):
        RUNNING = "running"
        WAITING = "waiting"  # for settlement prices to be confirmed
        FAILED = "failed"  # the engine refused; `code` and `refusal` say what; a repeat tries again
        DONE = "done"

    class Step(models.IntegerChoices):
        """The last step done, as the engine counts them (trading-rules.md §8)."""

        OPEN = terms.STEP_OPEN
        CLOSED = terms.STEP_CLOSED
        EXPIRED = terms.STEP_EXPIRED
        SETTLED = terms.STEP_SETTLED
        RATED = terms.STEP_RATED
        REVALIDATED = terms.STEP_REVALIDATED
        CHECKED = terms.STEP_CHECKED

    id = models.BigAutoField(primary_key=True)
    partition = models.SmallIntegerField(default=0)
    trading_day = models.IntegerField(_("trading day"))  # the day that ends, YYYYMMDD
    next_trading_day = models.IntegerField(_("next trading day"))
    run_id = models.BigIntegerField()  # by which the engine knows the run
    state = models.CharField(max_length=16, choices=State.choices, default=State.RUNNING)
    step = models.SmallIntegerField(choices=Step.choices, default=Step.OPEN)
    cursor = models.BigIntegerField(default=0)  # where the next chunk of the next step begins
    code = models.IntegerField(null=True, blank=True)  # why it failed (engine/core/codes.py)
    refusal = models.CharField(max_length=200, blank=True)
    seq = models.BigIntegerField(null=True, blank=True)  # of the last command that was answered
    started_by = models.ForeignKey(  # nobody: the command line
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-trading_day"]
        constraints = [
            models.CheckConstraint(
                condition=Q(next_trading_day__gt=F("trading_day")), name="settlement_run_goes_forward"
            ),
            models.UniqueConstraint("partition", "trading_day", name="settlement_run_day_unique"),
            # One at a time: a partition has exactly one trading day.
            models.UniqueConstraint(
                fields=["partition"], condition=~Q(state="done"), name="settlement_run_one_unfinished"
            ),
            models.CheckConstraint(
                condition=Q(state="done", finished_at__isnull=False)
                | ~Q(state="done") & Q(finished_at__isnull=True),
                name="settlement_run_done_has_time",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.trading_day} → {self.next_trading_day}: {self.state}, {self.step_name}"

    @property
    def step_name(self) -> str:
        """The last step done, in words."""
        return self.Step(self.step).label

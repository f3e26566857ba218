"""The audit log: who did what, from where, to what, before and after; each row seals the one before it.
Written by accounts/audit.py only; a trigger in PostgreSQL refuses to change or delete a row."""

from __future__ import annotations

from typing import Any, NoReturn

from django.db import models
from django.utils.translation import gettext_lazy as _


class AuditEntry(models.Model):
    """One thing somebody asked the venue to do, or how it ended. What goes through the engine has two rows:
    `asked` before the command leaves, so that no crash can hide it, and then its outcome, naming the first."""

    class Outcome(models.TextChoices):
        ASKED = "asked", _("asked")
        DONE = "done", _("done")
        REFUSED = "refused", _("refused")
        UNKNOWN = "unknown", _("unknown")  # the engine did not answer in time; the command may have been done

    id = models.BigAutoField(primary_key=True)
    at = models.DateTimeField(_("time"), db_index=True)
    actor_id = models.BigIntegerField(_("user id"), null=True)  # no foreign key: a row outlives everything
    actor_name = models.CharField(_("who"), max_length=150)
    address = models.CharField(_("from"), max_length=64)
    action = models.CharField(_("action"), max_length=48)  # "instrument.suspend"
    target = models.CharField(_("what"), max_length=128)  # "CFFEX.IF2512", an account's id, a request's id
    outcome = models.CharField(_("outcome"), max_length=8, choices=Outcome.choices)
    code = models.IntegerField(_("code"), null=True)  # why it was refused (engine/core/codes.py)
    reason = models.CharField(_("reason"), max_length=200, blank=True)  # what the person gave as reason
    before = models.JSONField(_("before"), default=dict)
    after = models.JSONField(_("after"), default=dict)
    seq = models.BigIntegerField(_("sequence"), null=True)  # of the command in the journal
    asked = models.BigIntegerField(null=True)  # the id of the row this is the outcome of
    hash_before = models.CharField(max_length=64)
    hash = models.CharField(_("seal"), max_length=64, unique=True)

    class Meta:
        ordering = ["-id"]
        verbose_name = _("audit entry")
        verbose_name_plural = _("audit log")
        indexes = [
            models.Index(fields=["target", "-id"], name="audit_by_target"),
            models.Index(fields=["asked"], condition=models.Q(asked__isnull=False), name="audit_by_asked"),
        ]

    def __str__(self) -> str:
        return f"{self.id} {self.action} {self.target}: {self.outcome}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Only a new row may be saved."""
        if not self._state.adding:
            raise TypeError("an audit entry is never changed")
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Never."""
        raise TypeError("an audit entry is never deleted")

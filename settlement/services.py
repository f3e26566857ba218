"""Money in and out: a request is a row, its command follows the commit, its answer moves the row on.
Called by settlement/api, the operator's admin, the sweep of settlement/tasks.py and the demo seed."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from decimal import Decimal
from hashlib import sha256
from typing import Final
from uuid import uuid4

from django.conf import settings
from django.db import transaction
from django.db.models import Q

from accounts.errors import idempotency_conflict
from accounts.http.envelope import ApiError
from engine.border import json_dumps
from engine.core import terms
from engine.core.codes import Code
from engine.core.commands import CashDeposit, CashWithdraw, CashWithdrawEnd
from engine.core.events import Rejected
from engine.door import DoorError, door
from settlement.calculations import amount_units, book_of, limit_text
from settlement.locks import account_lock, cash_request_lock
from settlement.models import CashRequest

logger = logging.getLogger(__name__)

ENGINE_TIMEOUT_S: Final = 3.0
RESEND_AFTER: Final = timedelta(seconds=5)

Kind = CashRequest.Kind
State = CashRequest.State
Decision = CashRequest.Decision


def cash_request(
    *,
    kind: CashRequest.Kind,
    account_id: int,
    currency: str,
    amount: Decimal,
    requested_by: int,
    idempotency_key: str,
    now: datetime,
    method: str = "",
    remark: str = "",
) -> CashRequest:
    """Write down a deposit or withdrawal; a repeat of the key returns the first row.

    ACCOUNT_NOT_FOUND, CURRENCY_UNKNOWN, AMOUNT_INVALID or IDEMPOTENCY_CONFLICT. No money has moved yet:
    call `cash_request_send` after the commit."""
    units = amount_units(amount=amount, currency=currency)
    digest = sha256(json_dumps([kind, currency, units])).hexdigest()
    approved = amount <= _auto_max(kind)
    with transaction.atomic():
        account = account_lock(account_id=account_id)
        if account is None:
            raise ApiError(Code.ACCOUNT_NOT_FOUND, field="account_id")
        earlier = CashRequest.objects.filter(account=account, idempotency_key=idempotency_key).first()
        if earlier is not None:
            if earlier.request_digest != digest:
                raise idempotency_conflict()
            return earlier
        return CashRequest.objects.create(
            request_id=f"{kind[0]}-{uuid4().hex}",
            kind=kind,
            account=account,
            currency=currency,
            amount=amount,
            units=units,
            decision=Decision.APPROVED if approved else Decision.OPEN,
            decided_at=now if approved else None,
            method=method,
            remark=remark,
            idempotency_key=idempotency_key,
            request_digest=digest,
            requested_by_id=requested_by,
            created_at=now,
        )


def cash_request_decide(*, request_id: str, approve: bool, decided_by: int, now: datetime) -> CashRequest:
    """An operator's decision, taken once; REQUEST_NOT_FOUND, STATE_CONFLICT or FORBIDDEN for his own.

    Call `cash_request_send` after the commit."""
    with transaction.atomic():
        request = cash_request_lock(request_id=request_id)
        if request is None:
            raise ApiError(Code.REQUEST_NOT_FOUND, field="request_id")
        if request.requested_by_id == decided_by:
            raise ApiError(Code.FORBIDDEN, field="request_id", limit="a second person")
        if request.decision != Decision.OPEN or request.state in (State.DONE, State.REFUSED):
            raise ApiError(Code.STATE_CONFLICT, field="request_id", value=request.decision or request.state)
        request.decision = Decision.APPROVED if approve else Decision.REFUSED
        request.approved_by_id = decided_by
        request.decided_at = now
        if request.kind == Kind.DEPOSIT and not approve:
            request.state = State.REFUSED  # nothing was credited, so the engine need not hear of it
            request.code = Code.CANCELLED_BY_VENUE
        request.save(update_fields=["decision", "approved_by", "decided_at", "state", "code"])
        return request


def cash_request_send(*, request_id: str, now: datetime) -> CashRequest:
    """Send what is due of the request through the door and move the row by each answer.

    May be repeated at any time: the engine knows the request's id and acts on it once. With no answer the
    row stays as it is and the sweep asks again. Never call it inside a transaction."""
    request = CashRequest.objects.select_related("account").get(request_id=request_id)
    while request.is_due:
        before = request.state
        CashRequest.objects.filter(pk=request.pk).update(sent_at=now)
        try:
            reply = door().call_sync(_command(request), timeout=ENGINE_TIMEOUT_S)
        except DoorError as error:
            logger.warning("cash request %s stays %s: %s", request_id, before, error)
            break
        limit = limit_text(reply.event) if isinstance(reply.event, Rejected) else ""
        if not _advance(request, code=reply.code, limit=limit, seq=reply.seq):
            break
        request.refresh_from_db()
    return request


def _command(request: CashRequest) -> CashDeposit | CashWithdraw | CashWithdrawEnd:
    """The command that is due."""
    if request.state == State.PENDING:
        return CashWithdrawEnd(
            actor=terms.VENUE,
            scope=terms.SCOPE_OPERATE,
            account_id=request.account_id,
            request_id=request.request_id,
            paid=request.decision == Decision.APPROVED,
        )
    deposit = request.kind == Kind.DEPOSIT
    make = CashDeposit if deposit else CashWithdraw
    return make(
        actor=terms.VENUE if deposit else request.account.user_id,
        scope=terms.SCOPE_OPERATE if deposit else terms.SCOPE_TRANSFER,
        account_id=request.account_id,
        request_id=request.request_id,
        book=book_of(request.currency),
        currency=request.currency,
        amount=request.units,
    )


def _advance(request: CashRequest, *, code: int, limit: str, seq: int) -> bool:
    """Move the row by the answer to its due command, by compare-and-set; False when it stays."""
    if request.state == State.PENDING:
        if code:
            # While the day is being settled that passes by itself; anything else an operator must look at.
            level = logging.INFO if code == Code.SETTLEMENT_RUNNING else logging.ERROR
            logger.log(level, "withdrawal %s not ended yet: code %s", request.request_id, code)
            return False
        paid = request.decision == Decision.APPROVED
        state, code = (State.DONE, 0) if paid else (State.REFUSED, int(Code.CANCELLED_BY_VENUE))
    elif code:
        state = State.REFUSED
    else:
        state = State.DONE if request.kind == Kind.DEPOSIT else State.PENDING
    same = CashRequest.objects.filter(pk=request.pk, state=request.state)
    return bool(same.update(state=state, code=code or None, refusal_limit=limit, seq=seq))


def cash_requests_resend(*, now: datetime, limit: int = 100) -> int:
    """Send again what is due for 5 s; returns how many requests moved on."""
    late = Q(sent_at=None, created_at__lt=now - RESEND_AFTER) | Q(sent_at__lt=now - RESEND_AFTER)
    due = Q(state=State.REQUESTED, kind=Kind.WITHDRAWAL) | (
        Q(state__in=(State.REQUESTED, State.PENDING)) & ~Q(decision=Decision.OPEN)
    )
    moved = 0
    rows = CashRequest.objects.filter(due, late).order_by("created_at")
    for request_id, state in rows.values_list("request_id", "state")[:limit]:
        moved += cash_request_send(request_id=request_id, now=now).state != state
    return moved


def _auto_max(kind: CashRequest.Kind) -> int:
    """Up to this amount the venue decides without an operator."""
    if kind == Kind.DEPOSIT:
        return int(settings.OUTCRY_DEPOSIT_AUTO_MAX)
    return int(settings.OUTCRY_WITHDRAW_AUTO_MAX)

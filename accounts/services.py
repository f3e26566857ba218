"""Writes of users, roles, sessions and trading accounts.
Called by accounts/api, the admin, the demo seed and tests."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from hashlib import sha256
from typing import Final
from uuid import UUID, uuid4

from axes.handlers.proxy import AxesProxyHandler
from django.conf import settings
from django.contrib.auth import authenticate
from django.contrib.auth.hashers import make_password
from django.contrib.auth.password_validation import validate_password
from django.contrib.auth.signals import user_logged_in
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.http import HttpRequest
from rest_framework_simplejwt.exceptions import ExpiredTokenError, TokenError

from accounts import selectors, sessions
from accounts.errors import idempotency_conflict, password_weak, user_not_found
from accounts.http.envelope import ApiError
from accounts.locks import user_lock
from accounts.models import Session, TradingAccount, User, UserRole
from accounts.rights import RoleName
from accounts.tokens import REFRESH_LIFETIME, VenueRefreshToken, refresh_token_issue, token_claims
from engine.border import json_dumps, to_units
from engine.core import terms
from engine.core.codes import Code
from engine.core.commands import AccountFreeze, AccountOpen
from engine.core.events import Rejected
from engine.door import DoorError, door
from engine.live import live

logger = logging.getLogger(__name__)

ACCOUNTS_PER_USER_MAX: Final = 20
CASH_PLACES: Final = 2  # CNY goes in and out with fen, though the engine counts 1/10,000 yuan
ENGINE_TIMEOUT_S: Final = 3.0
RESEND_AFTER: Final = timedelta(seconds=5)
ANNOUNCED_FOR: Final = timedelta(minutes=15)  # longer than any record of a live session stays in Redis
SESSIONS_KEPT: Final = timedelta(days=30)


@dataclass(frozen=True)
class Login:
    """A session's fresh tokens."""

    user: User
    session_id: str
    access_token: str
    refresh_token: str


def user_register(
    *,
    username: str,
    password: str,
    phone: str = "",
    email: str = "",
    real_name: str = "",
    id_card: str = "",
    roles: tuple[RoleName, ...] = (RoleName.TRADER,),
) -> User:
    """A new user with the given roles; PASSWORD_WEAK, USERNAME_TAKEN or FIELD_INVALID."""
    user = User(username=User.normalize_username(username), phone=phone, email=email, real_name=real_name)
    user.id_card = id_card
    _password_check(password, user, "password")
    user.set_password(password)
    try:
        user.full_clean(validate_unique=False, validate_constraints=False)
        with transaction.atomic():
            user.save()
            UserRole.objects.bulk_create(UserRole(user=user, role=role) for role in roles)
    except ValidationError as error:
        field, messages = next(iter(error.message_dict.items()))
        raise ApiError(Code.FIELD_INVALID, field=field, limit=" ".join(messages)) from None
    except IntegrityError:
        raise ApiError(Code.USERNAME_TAKEN) from None
    return user


def session_login(
    *, request: HttpRequest, username: str, password: str, address: str, user_agent: str, now: datetime
) -> Login:
    """Check the password and begin a session; LOGIN_LOCKED, or LOGIN_FAILED without saying what was wrong.

    Django hashes a password for an unknown user too, so the time does not tell either."""
    credentials = {"username": username, "password": password}
    if not AxesProxyHandler.is_allowed(request, credentials):
        raise ApiError(Code.LOGIN_LOCKED, retry_after=settings.AXES_COOLOFF_TIME.total_seconds())
    user = authenticate(request=request, **credentials)
    if not isinstance(user, User):
        raise ApiError(Code.LOGIN_FAILED)
    login = _session_begin(user=user, address=address, user_agent=user_agent, now=now)
    user_logged_in.send(sender=User, request=request, user=user)  # resets the lock-out's count
    return login


def _session_begin(*, user: User, address: str, user_agent: str, now: datetime) -> Login:
    """A session in the state of the password just checked: a change meanwhile makes the login fail."""
    session_id = uuid4()
    refresh = refresh_token_issue(user_id=user.pk, session_id=str(session_id))
    with transaction.atomic():
        locked = user_lock(user_id=user.pk)
        if locked.password != user.password or not locked.is_active:
            raise ApiError(Code.LOGIN_FAILED)
        Session.objects.create(
            id=session_id,
            user=user,
            refresh_jti=refresh["jti"],
            created_at=now,
            expires_at=now + REFRESH_LIFETIME,
            address=address,
            user_agent=user_agent[:200],
        )
    sessions.session_remember(str(session_id), selectors.record_of_user(user=user))
    return Login(user, str(session_id), str(refresh.access_token), str(refresh))


def session_refresh(*, refresh_token: str, now: datetime) -> Login:
    """Exchange a refresh token, once, for a new pair.

    TOKEN_EXPIRED, SESSION_ENDED, UNAUTHENTICATED; and TOKEN_REUSED for one already exchanged: then either
    the client or a thief holds a copy, and the whole session ends. The exchange is one compare-and-set."""
    session_id, jti, user_id = _refresh_claims(refresh_token)
    refresh = refresh_token_issue(user_id=user_id, session_id=str(session_id))
    rotated = Session.objects.filter(
        pk=session_id,
        user_id=user_id,
        refresh_jti=jti,
        ended_at=None,
        expires_at__gt=now,
        user__is_active=True,
    ).update(refresh_jti=refresh["jti"], expires_at=now + REFRESH_LIFETIME)
    if not rotated:
        raise _refresh_refusal(session_id=session_id, jti=jti, now=now)
    user = User.objects.get(pk=user_id)
    sessions.session_remember(str(session_id), selectors.record_of_user(user=user))
    return Login(user, str(session_id), str(refresh.access_token), str(refresh))


def _refresh_claims(refresh_token: str) -> tuple[UUID, str, int]:
    try:
        session_id, jti, user_id = token_claims(VenueRefreshToken(refresh_token))  # type: ignore[arg-type]
        return UUID(session_id), jti, user_id
    except ExpiredTokenError:
        raise ApiError(Code.TOKEN_EXPIRED) from None
    except (TokenError, KeyError, ValueError):
        raise ApiError(Code.UNAUTHENTICATED) from None


def _refresh_refusal(*, session_id: UUID, jti: str, now: datetime) -> ApiError:
    """Why the exchange failed; a reuse ends the session before the answer leaves."""
    session = Session.objects.filter(pk=session_id).first()
    if session is None or session.ended_at is not None:
        return ApiError(Code.SESSION_ENDED)
    if session.refresh_jti == jti:
        return ApiError(Code.TOKEN_EXPIRED)
    logger.warning("refresh token reused: session %s of user %s ended", session_id, session.user_id)
    sessions_end(session_ids=[str(session_id)], reason="refresh_reused", now=now)
    return ApiError(Code.TOKEN_REUSED)


def sessions_end(*, session_ids: list[str], reason: str, now: datetime) -> None:
    """End these sessions: tokens at once, sockets as soon as they hear. A second end changes nothing."""
    with transaction.atomic():
        Session.objects.filter(pk__in=session_ids, ended_at=None).update(ended_at=now, end_reason=reason)
        transaction.on_commit(lambda: sessions.sessions_forget(session_ids))


def user_sessions_end(*, user_id: int, reason: str, now: datetime) -> None:
    """End every session of the user."""
    live = Session.objects.filter(user_id=user_id, ended_at=None).values_list("pk", flat=True)
    sessions_end(session_ids=[str(session_id) for session_id in live], reason=reason, now=now)


def password_change(*, user_id: int, old_password: str, new_password: str, now: datetime) -> None:
    """Set a new password and end every session of the user; LOGIN_FAILED or PASSWORD_WEAK otherwise."""
    with transaction.atomic():
        user = user_lock(user_id=user_id)
        if not user.check_password(old_password):
            raise ApiError(Code.LOGIN_FAILED, field="old_password")
        _password_check(new_password, user, "new_password")
        user.set_password(new_password)
        user.save(update_fields=["password"])
        user_sessions_end(user_id=user_id, reason="password_changed", now=now)


def user_activate(*, user_id: int, active: bool, now: datetime) -> None:
    """Freeze a user (all his sessions end) or let him in again."""
    with transaction.atomic():
        user = user_lock(user_id=user_id)
        user.is_active = active
        user.save(update_fields=["is_active"])
        if not active:
            user_sessions_end(user_id=user_id, reason="frozen", now=now)


def user_roles_set(
    *, user_id: int, roles: list[RoleName], granted_by: int | None, now: datetime
) -> list[str]:
    """Give the user exactly these roles; NOT_FOUND. Live sessions follow at once. Returns the roles."""
    with transaction.atomic():
        user = _user_locked(user_id)
        UserRole.objects.filter(user=user).exclude(role__in=roles).delete()
        UserRole.objects.bulk_create(
            (UserRole(user=user, role=role, granted_by_id=granted_by) for role in dict.fromkeys(roles)),
            ignore_conflicts=True,
        )
        transaction.on_commit(lambda: user_sessions_update(user_id=user_id, now=now))
    logger.info("roles of user %s set to %s by user %s", user_id, ",".join(roles), granted_by)
    return selectors.user_roles(user_id=user_id)


def user_role_add(*, user_id: int, role: RoleName, granted_by: int | None, now: datetime) -> list[str]:
    """Give the user one role more; NOT_FOUND. Returns all his roles."""
    held = [RoleName(name) for name in selectors.user_roles(user_id=user_id)]
    return user_roles_set(user_id=user_id, roles=[*held, role], granted_by=granted_by, now=now)


def user_sessions_update(*, user_id: int, now: datetime) -> None:
    """Tell the user's live sessions what he may do and owns now; call after the commit that changed it."""
    user = User.objects.get(pk=user_id)
    record = selectors.record_of_user(user=user)
    live = Session.objects.filter(user_id=user_id, ended_at=None, expires_at__gt=now)
    for session_id in live.values_list("pk", flat=True):
        sessions.session_remember(str(session_id), record)


def _user_locked(user_id: int) -> User:
    try:
        return user_lock(user_id=user_id)
    except User.DoesNotExist:
        raise user_not_found() from None


def _password_check(password: str, user: User, field: str) -> None:
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise password_weak(field, error.messages) from None


def account_request(
    *,
    user_id: int,
    name: str,
    account_type: str,
    init_cash: Decimal,
    idempotency_key: str,
    now: datetime,
    trading_password: str = "",
) -> TradingAccount:
    """Write down that the user wants a trading account; a repeat of the key returns the first row.

    `init_cash` in CNY. INIT_CASH_TOO_HIGH, TOO_MANY_ACCOUNTS, IDEMPOTENCY_CONFLICT or NOT_FOUND. Nothing
    is open yet: call `account_open` after the commit."""
    to_units(init_cash, CASH_PLACES, "init_cash")
    if init_cash > settings.OUTCRY_INIT_CASH_MAX:
        raise ApiError(Code.INIT_CASH_TOO_HIGH, "init_cash", settings.OUTCRY_INIT_CASH_MAX, init_cash)
    digest = sha256(json_dumps([name, account_type, f"{init_cash.normalize():f}"])).hexdigest()
    with transaction.atomic():
        _user_locked(user_id)
        accounts = TradingAccount.objects.filter(user_id=user_id)
        earlier = accounts.filter(idempotency_key=idempotency_key).first()
        if earlier is not None:
            if earlier.request_digest != digest:
                raise idempotency_conflict()
            return earlier
        if accounts.exclude(state=TradingAccount.State.REFUSED).count() >= ACCOUNTS_PER_USER_MAX:
            raise ApiError(Code.TOO_MANY_ACCOUNTS, limit=ACCOUNTS_PER_USER_MAX)
        return TradingAccount.objects.create(
            user_id=user_id,
            name=name,
            account_type=account_type,
            trading_password=make_password(trading_password) if trading_password else "",
            init_cash=init_cash,
            idempotency_key=idempotency_key,
            request_digest=digest,
            created_at=now,
        )


def account_open(*, account_id: int, now: datetime) -> TradingAccount:
    """Send a requested account's command through the door and move the row by what comes back.

    May be repeated at any time: the core opens an id once. With no answer the row stays requested and the
    sweep asks again. Never call it inside a transaction."""
    account = TradingAccount.objects.get(pk=account_id)
    if account.state != TradingAccount.State.REQUESTED:
        return account
    TradingAccount.objects.filter(pk=account_id).update(sent_at=now)
    command = AccountOpen(
        actor=account.user_id,
        scope=0,
        account_id=account_id,
        owner=account.user_id,
        init_cash=to_units(account.init_cash, terms.CURRENCY_SCALES[account.currency], "init_cash"),
    )
    try:
        reply = door().call_sync(command, timeout=ENGINE_TIMEOUT_S)
    except DoorError as error:
        logger.warning("account %s stays requested: %s", account_id, error)
        return account
    opened = reply.ok or _opened_before(account, reply.code)
    state = TradingAccount.State.OPEN if opened else TradingAccount.State.REFUSED
    TradingAccount.objects.filter(pk=account_id, state=TradingAccount.State.REQUESTED).update(
        state=state, code=None if opened else reply.code, seq=reply.seq
    )
    user_sessions_update(user_id=account.user_id, now=now)
    account.refresh_from_db()
    return account


def _opened_before(account: TradingAccount, code: int) -> bool:
    """True when an earlier send of this very row opened it and its answer was lost."""
    if code != Code.ACCOUNT_EXISTS:
        return False
    held = live().account(account.pk).value
    return held is not None and held.owner == account.user_id


def account_freeze_set(*, account_id: int, freeze: int, actor: int) -> int:
    """Set the account's freeze bits (terms.FREEZE_TRADING, FREEZE_WITHDRAW; 0: none); the command's sequence.

    The caller has checked that `actor` may. ApiError with the core's code; DoorError without an answer."""
    command = AccountFreeze(actor=actor, scope=terms.SCOPE_OPERATE, account_id=account_id, freeze=freeze)
    reply = door().call_sync(command, timeout=ENGINE_TIMEOUT_S)
    if isinstance(reply.event, Rejected):
        raise ApiError(reply.event.code, reply.event.field, reply.event.limit, reply.event.value)
    return reply.seq


def accounts_resend(*, now: datetime, limit: int = 100) -> int:
    """Ask again for accounts left in `requested` for 5 s; returns how many are settled now."""
    late = TradingAccount.objects.filter(
        state=TradingAccount.State.REQUESTED, created_at__lt=now - RESEND_AFTER
    ).order_by("created_at")
    settled = 0
    for account_id in late.values_list("pk", flat=True)[:limit]:
        account = account_open(account_id=account_id, now=now)
        settled += account.state != TradingAccount.State.REQUESTED
    return settled


def sessions_announce_ended(*, now: datetime) -> int:
    """Say again which sessions ended lately, for a Redis that was away when they did; returns how many."""
    ended = Session.objects.filter(ended_at__gt=now - ANNOUNCED_FOR).values_list("pk", flat=True)
    session_ids = [str(session_id) for session_id in ended]
    sessions.sessions_remember_ended(session_ids)
    return len(session_ids)


def sessions_purge(*, now: datetime) -> int:
    """Delete sessions that ended or ran out a month ago; returns how many."""
    deleted, _ = Session.objects.filter(expires_at__lt=now - SESSIONS_KEPT).delete()
    return deleted

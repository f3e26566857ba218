"""Who may do what: owner, grants, key scopes, and the venue itself (trading-rules.md §2, DESIGN.md §4).
Called by the slow model's handlers before anything else."""

from typing import Protocol

from engine.core import terms
from engine.core.codes import Code
from tests.model.state import Account
from tests.model.venue import Venue, refuse


class AccountCommand(Protocol):
    actor: int
    scope: int
    account_id: int


class ActorCommand(Protocol):
    actor: int
    scope: int


def account_for(venue: Venue, command: AccountCommand, needed: int, field: str = "account_id") -> Account:
    """The account, if the actor may use it for `needed` (terms.SCOPE_*)."""
    account = venue.accounts.get(command.account_id)
    if account is None:
        refuse(Code.ACCOUNT_NOT_FOUND, "account_id")
    if command.scope & terms.SCOPE_OPERATE:
        return account
    holds = command.actor == account.owner or account.grants.get(command.actor, 0) & needed
    if not holds or not command.scope & needed:
        refuse(Code.NOT_PERMITTED, field)
    return account


def operator_only(command: ActorCommand) -> None:
    if not command.scope & terms.SCOPE_OPERATE:
        refuse(Code.SCOPE_MISSING, "operate")

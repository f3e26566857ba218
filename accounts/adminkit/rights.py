"""Who may see and do what in the admin: the rights of accounts/rights.py, asked anew at every request.
Django's own flags (is_staff, is_superuser, model permissions) open nothing here."""

from __future__ import annotations

from typing import Any, ClassVar, Final, TypeVar

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db import models
from django.http import HttpRequest
from django.urls import URLPattern

from accounts import selectors
from accounts.models import User
from accounts.rights import Right, rights_of

M = TypeVar("M", bound=models.Model)

# Holding one of these lets somebody into the admin at all; what he finds there is decided page by page.
STAFF_RIGHTS: Final = frozenset(
    {
        Right.ACCOUNTS_READ,
        Right.USERS_ADMIN,
        Right.CASH_APPROVE,
        Right.RISK_CONTROL,
        Right.SETTLE,
        Right.INSTRUMENTS,
        Right.AUDIT_READ,
    }
)


def request_rights(request: HttpRequest) -> frozenset[Right]:
    """The rights of the person behind the request; looked up once a request."""
    held: frozenset[Right] | None = getattr(request, "_venue_rights", None)
    if held is None:
        user = request.user
        known = isinstance(user, User) and user.is_active
        held = rights_of(selectors.user_roles(user_id=user.pk)) if known and user.pk else frozenset()
        request._venue_rights = held  # type: ignore[attr-defined]
    return held


def request_user_id(request: HttpRequest) -> int:
    """The id of the person behind the request; PermissionDenied for nobody."""
    if request.user.pk is None:
        raise PermissionDenied
    return int(request.user.pk)


def user_is_staff(user: Any) -> bool:
    """True when the user holds any right of the venue's staff."""
    if not isinstance(user, User) or not user.is_active:
        return False
    return bool(rights_of(selectors.user_roles(user_id=user.pk)) & STAFF_RIGHTS)


def request_require(request: HttpRequest, right: Right | None) -> None:
    """PermissionDenied (403) unless the person behind the request holds the right; None is held by nobody."""
    if right is None or right not in request_rights(request):
        raise PermissionDenied


class RightsAdmin(admin.ModelAdmin[M]):
    """A model's pages for holders of `right_view`. Whatever changes a row is a page of its own with its own
    right, so Django's add, change and delete are closed unless a subclass opens them."""

    right_view: ClassVar[Right]
    right_add: ClassVar[Right | None] = None

    def get_urls(self) -> list[URLPattern]:
        """Django's pages that are open here: the list, a row's page, and adding where somebody may."""
        name = f"{self.opts.app_label}_{self.opts.model_name}"
        kept = {f"{name}_changelist", f"{name}_change"} | ({f"{name}_add"} if self.right_add else set())
        return [url for url in super().get_urls() if url.name in kept]

    def has_module_permission(self, request: HttpRequest) -> bool:
        """In the index for those who may look."""
        return self.right_view in request_rights(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Holders of `right_view`."""
        return self.right_view in request_rights(request)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Holders of `right_add`, who may also look."""
        return self.right_add is not None and {self.right_add, self.right_view} <= request_rights(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody: see the class."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody: nothing of a venue is deleted by hand."""
        return False

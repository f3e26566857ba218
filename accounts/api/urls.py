"""Paths of the account routes, under /api.
Included by exchange/urls.py."""

from django.urls import path, register_converter

from accounts.api import views
from accounts.http.paths import IdConverter

register_converter(IdConverter, "id")

urlpatterns = [
    path("auth/register", views.RegisterView.as_view()),
    path("auth/login", views.LoginView.as_view()),
    path("auth/refresh", views.RefreshView.as_view()),
    path("auth/logout", views.LogoutView.as_view()),
    path("auth/password/change", views.PasswordChangeView.as_view()),
    path("auth/user/roles", views.RolesView.as_view()),
    path("auth/user/role/add", views.RoleAddView.as_view()),
    path("auth/user/<id:user_id>", views.UserView.as_view()),
    path("auth/user/<id:user_id>/make-admin", views.MakeAdminView.as_view()),
    path("auth/users", views.UsersView.as_view()),
    path("user/<id:user_id>/account/create", views.AccountCreateView.as_view()),
    path("user/<id:user_id>/accounts", views.UserAccountsView.as_view()),
    path("account/open", views.AccountOpenView.as_view()),
    path("account/<id:account_id>", views.AccountView.as_view()),
]

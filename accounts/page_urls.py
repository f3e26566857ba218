"""Paths of the pages about users and accounts.
Included by exchange/urls.py."""

from django.urls import path

from accounts import pages

urlpatterns = [
    path("login", pages.LoginPage.as_view(), name="login"),
    path("register", pages.RegisterPage.as_view(), name="register"),
    path("logout", pages.LogoutPage.as_view(), name="logout"),
    path("session/token", pages.TokenPage.as_view()),
    path("pages/accounts", pages.AccountsPage.as_view(), name="accounts"),
]

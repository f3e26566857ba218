"""Every HTTP path of the venue: each app's routes are included here.
Called by Django."""

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path

urlpatterns: list[URLPattern | URLResolver] = [
    path("admin/", admin.site.urls),
    path("api/", include("settlement.api.urls")),
    path("api/", include("accounts.api.urls")),
]

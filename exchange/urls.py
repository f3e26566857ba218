"""Every HTTP path of the venue: each app's routes are included here.
Called by Django."""

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path
from drf_spectacular.views import SpectacularJSONAPIView, SpectacularSwaggerSplitView

from exchange import pages
from exchange.observability import views as observability

urlpatterns: list[URLPattern | URLResolver] = [
    path("admin/", admin.site.urls),
    path("", include("trading.page_urls")),
    path("", include("accounts.page_urls")),
    path("", include("market.page_urls")),
    path("i18n/", include("django.conf.urls.i18n")),
    path("styleguide", pages.styleguide),
    path("api/", include("settlement.api.urls")),
    path("api/", include("accounts.api.urls")),
    path("api/", include("market.api.urls")),
    path("api/", include("trading.api.urls")),
    path("", include("settlement.page_urls")),
    path("api/schema", SpectacularJSONAPIView.as_view(), name="schema"),
    path("api/docs", SpectacularSwaggerSplitView.as_view(url_name="schema")),
    path("health", observability.health),
    path("ready", observability.ready),
    path("metrics", observability.metrics),
]

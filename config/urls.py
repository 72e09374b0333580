from django.contrib import admin
from django.urls import include, path, re_path
from django.views.generic import RedirectView

from blogs.api import webhooks as wix_views
from blogs.api.credits import CreditsView
from blogs.operations import views as workers_views

admin.autodiscover()

urlpatterns = [
    path("", RedirectView.as_view(url="/admin/")),
    path("admin", RedirectView.as_view(url="/admin/")),
    path("admin/", admin.site.urls),
    path("api/", include("blogs.api.urls")),
    re_path(r"^api/credits/?$", CreditsView.as_view(), name="credits"),
    re_path(r"^api/rate-limiter/stats/?$", workers_views.openai_limits, name="openai-limits"),
    re_path(r"^api/replicate-rate-limiter/stats/?$", workers_views.replicate_limits, name="replicate-limits"),
    re_path(r"^wix/webhooks/?$", wix_views.webhooks, name="wix-webhooks"),
    re_path(r"^metrics/?$", workers_views.metrics, name="metrics"),
    re_path(r"^health/?$", workers_views.health, name="health"),
    re_path(r"^health/live/?$", workers_views.live, name="health-live"),
    re_path(r"^health/workers/?$", workers_views.workers_alive, name="health-workers"),
]

handler400 = "blogs.api.problems.bad_request"
handler404 = "blogs.api.problems.not_found"
handler500 = "blogs.api.problems.server_error"

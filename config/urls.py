"""The table of all addresses. A slash at the end makes no difference: a POST that is redirected would lose its body."""

from django.conf import settings
from django.contrib import admin
from django.urls import include, path, re_path
from django.views.decorators.csrf import csrf_exempt
from django.views.generic import RedirectView
from rest_framework.routers import SimpleRouter

from blogs.api.account.credits import CreditEntriesView, CreditsView
from blogs.api.account.ideas import IdeaOrderView, IdeasView
from blogs.api.account.keys import ApiKeys
from blogs.api.account.profile import ProfileView
from blogs.api.errors import pages as error_pages
from blogs.api.openapi import views as openapi
from blogs.api.outgoing.views import WebhookEndpoints
from blogs.api.stream import addresses as stream
from blogs.api.views import BlogGenerationViewSet
from blogs.api.webhooks import webhooks
from blogs.desk.find import page as search
from blogs.desk.front import views as front
from blogs.operations import views as operations

if settings.ADMIN_SECOND_FACTOR:
    from django_otp.admin import OTPAdminSite

    # As its documentation says: the site's own class is changed, because all pages are registered with this one.
    admin.site.__class__ = OTPAdminSite
admin.autodiscover()

api = SimpleRouter()
api.trailing_slash = "/?"
# GET and POST of the list; GET and PATCH of `blog-generation/<id>`; below that, GET of its article and POST of each act.
api.register("blog-generation", BlogGenerationViewSet, basename="blog-generation")
# GET and POST of a site's webhook endpoints; GET, PATCH and DELETE of one; below that, its deliveries and acts.
api.register("webhooks", WebhookEndpoints, basename="webhook-endpoint")
# GET and POST of a site's API keys; GET, PATCH and DELETE of one; POST of its rotation.
api.register("keys", ApiKeys, basename="api-key")

# Views that only read are exempt from the check of forms: it would answer a POST to them before they say what they take.
urlpatterns = [
    path("", csrf_exempt(RedirectView.as_view(url="/admin/"))),
    path("admin", csrf_exempt(RedirectView.as_view(url="/admin/"))),
    path("admin/search/", admin.site.admin_view(search.results), name="desk-search"),
    path("admin/search/shops/", admin.site.admin_view(search.suggestions), name="desk-suggestions"),
    path("admin/now/", front.now, name="desk-now"),
    path("admin/runbook/<slug:kind>/", admin.site.admin_view(front.runbook_page), name="desk-runbook"),
    path("admin/", admin.site.urls),
    path("api/", include(api.urls)),
    *stream.urlpatterns,
    re_path(r"^api/credits/?$", CreditsView.as_view(), name="credits"),
    re_path(r"^api/credits/entries/?$", CreditEntriesView.as_view(), name="credit-entries"),
    re_path(r"^api/ideas/?$", IdeasView.as_view(), name="ideas"),
    re_path(r"^api/ideas/orders/(?P<pk>[0-9]{1,18})/?$", IdeaOrderView.as_view(), name="idea-order"),
    re_path(r"^api/site-profile/?$", ProfileView.as_view(), name="site-profile"),
    re_path(r"^api/schema/?$", csrf_exempt(openapi.schema), name="api-schema"),
    re_path(r"^api/docs/?$", csrf_exempt(openapi.docs), name="api-docs"),
    re_path(r"^api/errors/?$", csrf_exempt(error_pages.index), name="errors"),
    re_path(r"^api/errors/(?P<slug>[^/]{1,100})/?$", csrf_exempt(error_pages.page), name="error"),
    re_path(r"^api/rate-limiter/stats/?$", csrf_exempt(operations.openai_limits), name="openai-limits"),
    re_path(r"^api/replicate-rate-limiter/stats/?$", csrf_exempt(operations.replicate_limits), name="replicate-limits"),
    re_path(r"^wix/webhooks/?$", webhooks, name="wix-webhooks"),
    re_path(r"^metrics/?$", csrf_exempt(operations.metrics), name="metrics"),
    re_path(r"^health/?$", csrf_exempt(operations.health), name="health"),
    re_path(r"^health/live/?$", csrf_exempt(operations.live), name="health-live"),
    re_path(r"^health/ready/?$", csrf_exempt(operations.ready), name="health-ready"),
    re_path(r"^health/workers/?$", csrf_exempt(operations.workers_alive), name="health-workers"),
    error_pages.NO_PAGE,
]

handler400 = "config.door.refusals.bad_request"
handler403 = "config.door.refusals.forbidden"
handler404 = "config.door.refusals.not_found"
handler500 = "config.door.refusals.server_error"

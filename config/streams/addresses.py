"""All that the process of live events answers: streams, and whether it lives."""

from django.urls import re_path
from django.views.decorators.csrf import csrf_exempt

from blogs.api.errors import pages as error_pages
from blogs.api.stream import addresses
from blogs.operations import views as operations

urlpatterns = [
    *addresses.urlpatterns,
    re_path(r"^health/live/?$", csrf_exempt(operations.live), name="health-live"),
    error_pages.NO_PAGE,
]

handler400 = "config.door.refusals.bad_request"
handler403 = "config.door.refusals.forbidden"
handler404 = "config.door.refusals.not_found"
handler500 = "config.door.refusals.server_error"

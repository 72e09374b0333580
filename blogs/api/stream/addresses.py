"""The addresses of streams. All processes know them; only that of live events answers with a stream."""

from django.urls import re_path

from blogs.api.stream.views import EventsOfBlog, EventsOfSite

urlpatterns = [
    re_path(r"^api/events/?$", EventsOfSite.as_view(), name="events"),
    re_path(r"^api/blog-generation/(?P<id>[0-9]{1,18})/events/?$", EventsOfBlog.as_view(), name="blog-events"),
]

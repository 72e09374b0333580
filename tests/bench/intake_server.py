"""The product's own web server with one address more: what a bare view of Django REST framework costs in the same processes.

The bare view looks a token up, validates a body and inserts one row, all as the framework's tutorials do. It goes through the same
gunicorn and the same middleware as ours.
"""

from __future__ import annotations

from typing import Any

from config.wsgi import application as application

# isort: split
from django.conf import settings
from django.db import models
from django.urls import path
from rest_framework import serializers
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.parsers import JSONParser
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from config.urls import urlpatterns as ours

settings.ROOT_URLCONF = __name__


class BareToken(models.Model):
    key = models.CharField(max_length=100, primary_key=True)
    site = models.ForeignKey("wix.Site", on_delete=models.CASCADE, related_name="+")

    class Meta:
        app_label, db_table, managed = "blogs", "bench_token", False

    def __str__(self) -> str:
        return self.key


class BareBlog(models.Model):
    site = models.ForeignKey("wix.Site", on_delete=models.CASCADE, related_name="+")
    source_type = models.CharField(max_length=20, choices=[("keyword", "keyword"), ("product", "product")])
    source_id = models.CharField(max_length=500)
    status = models.CharField(max_length=20, default="PENDING")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        app_label, db_table, managed = "blogs", "bench_blog", False

    def __str__(self) -> str:
        return self.source_id


class _TokenAuthentication(BaseAuthentication):
    def authenticate(self, request: Request) -> tuple[Any, Any]:
        parts = get_authorization_header(request).split()
        try:
            token = BareToken._default_manager.select_related("site").get(key=parts[-1].decode())
        except BareToken.DoesNotExist:
            raise AuthenticationFailed from None
        token.site.is_authenticated = True
        return token.site, token


class _BareSerializer(serializers.ModelSerializer[BareBlog]):
    class Meta:
        model = BareBlog
        fields = ["id", "status", "source_type", "source_id", "created_at"]
        read_only_fields = ["id", "status", "created_at"]


class BareView(APIView):
    authentication_classes = [_TokenAuthentication]
    permission_classes = [IsAuthenticated]
    throttle_classes: list[Any] = []
    parser_classes = [JSONParser]

    def post(self, request: Request) -> Response:
        serializer = _BareSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        serializer.save(site=request.user)
        return Response(serializer.data, status=201)


# Before ours, whose last one takes all addresses that are none.
urlpatterns = [path("bare", BareView.as_view()), *ours]

from django.apps import AppConfig


class WixConfig(AppConfig):
    name = "wix"
    verbose_name = "Wix"

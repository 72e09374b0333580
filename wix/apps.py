from django.apps import AppConfig


class WixConfig(AppConfig):
    name = "wix"
    verbose_name = "Wix"

    def ready(self) -> None:
        from wix import checks  # noqa: F401  registers them

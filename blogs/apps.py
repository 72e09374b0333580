from django.apps import AppConfig


class BlogsConfig(AppConfig):
    name = "blogs"

    def ready(self) -> None:
        from blogs import checks  # noqa: F401  registers them

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup(set_prefix=False)

from config.door.wsgi_request import Handler  # noqa: E402  Django must be ready

application = Handler()

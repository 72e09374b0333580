import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup(set_prefix=False)

# Django must be ready. The addresses are imported here, with all that serves them, or the first request would wait for that.
import config.urls  # noqa: E402, F401
from config.door.wsgi_request import Handler  # noqa: E402

application = Handler()

import os

import django
from django.core.exceptions import ImproperlyConfigured

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
try:
    django.setup(set_prefix=False)
except ImproperlyConfigured as error:
    # gunicorn says this kind of error in one line, and any other with a trace.
    raise RuntimeError(str(error)) from None

# Django must be ready. The addresses are imported here, with all that serves them, or the first request would wait for that.
import config.urls  # noqa: F401
from config.door.wsgi_request import Handler

application = Handler()

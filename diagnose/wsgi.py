"""WSGI entry point for granian: pages and JSON API."""

import os

from django.conf import settings
from django.core.wsgi import get_wsgi_application

from diagnose import translations

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "diagnose.settings")
translations.compile_all(settings.LOCALE_PATHS[0])
application = get_wsgi_application()

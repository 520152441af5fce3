"""WSGI entry point for granian: pages and JSON API."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "diagnose.settings")
application = get_wsgi_application()

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cloudportal.settings")
_django = get_wsgi_application()

from cloudportal.forwarded import Forwarded  # noqa: E402

application = Forwarded(_django)

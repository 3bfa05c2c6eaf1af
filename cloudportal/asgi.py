"""One port for everything: pages and API on the pool of threads, sockets through Channels."""

import os

from channels.routing import ProtocolTypeRouter, URLRouter
from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cloudportal.settings")
django_application = get_wsgi_application()

# Consumers import models, so they come after Django is set up.
from cloudportal.bridge import WsgiPool  # noqa: E402
from cloudportal.forwarded import Forwarded  # noqa: E402
from cloudportal.sockets import websocket_urlpatterns  # noqa: E402

http = WsgiPool(Forwarded(django_application))
application = ProtocolTypeRouter({"http": http, "websocket": URLRouter(websocket_urlpatterns)})

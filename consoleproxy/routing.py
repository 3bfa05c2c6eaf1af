from django.urls import re_path

from consoleproxy.consumers import ConsoleConsumer

websocket_urlpatterns = [
    re_path(r"^console/ws/(?P<ticket>[A-Za-z0-9_-]{20,100})$", ConsoleConsumer.as_asgi()),
]

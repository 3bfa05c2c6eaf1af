from django.urls import re_path

from frontend.consumers import LiveConsumer

websocket_urlpatterns = [re_path(r"^live$", LiveConsumer.as_asgi())]

from django.urls import re_path

from infra.consumers import AgentConsumer

websocket_urlpatterns = [re_path(r"^agent/?$", AgentConsumer.as_asgi())]

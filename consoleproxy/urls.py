from django.urls import path

from consoleproxy import gateway

urlpatterns = [
    path("gateway", gateway.redeem),
    path("gateway/session", gateway.session),
]

from django.urls import path

from api import http, openapi

urlpatterns = [
    path("api", http.client_api),
    path("api/", http.client_api),
    path("api/openapi.json", openapi.document),
]

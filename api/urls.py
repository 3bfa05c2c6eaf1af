from django.urls import path

from api import auditing, http, openapi

urlpatterns = [
    path("api", http.client_api),
    path("api/", http.client_api),
    path("audit", auditing.client_audit),
    path("api/openapi.json", openapi.document),
    path("api/<slug:command>", http.client_api),
]

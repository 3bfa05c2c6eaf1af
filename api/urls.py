from django.urls import path

from api import http

urlpatterns = [
    path("api", http.client_api),
    path("api/", http.client_api),
]

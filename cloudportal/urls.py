from django.urls import include, path

urlpatterns = [
    path("client/", include("api.urls")),
]

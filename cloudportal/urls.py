from django.urls import include, path

from api import openapi
from cloudportal import static

urlpatterns = [
    path("client/", include("api.urls")),
    path("api/schema", openapi.document),
    path("console/", include("consoleproxy.urls")),
    path("static/<path:path>", static.serve),
    path("", include("frontend.urls")),
]
handler404 = "frontend.views.other.not_found"
handler500 = "frontend.views.other.failed"

from django.urls import include, path

from api import openapi
from api.watching import views as watching
from cloudportal import static

urlpatterns = [
    path("client/", include("api.urls")),
    path("api/schema", openapi.document),
    path("console/", include("consoleproxy.urls")),
    path("metrics", watching.metrics),
    path("healthz", watching.healthz),
    path("readyz", watching.readyz),
    path("static/<path:path>", static.serve),
    path("", include("frontend.urls")),
]
handler404 = "frontend.views.other.not_found"
handler500 = "frontend.views.other.failed"

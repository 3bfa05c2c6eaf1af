"""What a browser goes through between the portal and an identity provider."""

from django.test import Client

from api.dispatch import execute
from tests.factories import admin_caller
from tests.integration.identity_provider import field

SSO = "http://testserver/client/api?command=samlSso"
SLO = "http://testserver/client/api?command=samlSlo"


def authorise(user, enable="true", **more):
    about = {"userid": str(user.uuid), "enable": enable, **more}
    execute(admin_caller(), "authorizeSamlSso", about)


def left(browser, idp, **given):
    """Sent to the identity provider: the id of the request."""
    reply = browser.get("/client/api", {"command": "samlSso", **given})
    assert reply.status_code == 303
    request, issuer = idp.asked(reply["Location"])
    assert issuer == "cloudportal"
    return request


def posted(browser, message):
    """As the identity provider's page makes the browser post it, from another site."""
    return browser.post(
        "/client/api?command=samlSso&response=json", {"SAMLResponse": message},
        headers={"Origin": "https://idp.example.org", "Sec-Fetch-Site": "cross-site"},
    )  # fmt: skip


def message(idp, request, to=SSO, **more):
    return field(idp.answer(request, to, **more), "SAMLResponse")


def came_back(browser, reply):
    return browser.get(reply["Location"]) if reply.status_code == 303 else reply


def sign_in(idp, uid="ada"):
    browser = Client()
    request = left(browser, idp)
    return browser, came_back(browser, posted(browser, message(idp, request, uid=uid)))

from api.commands import call_limits, discovery, nothing_yet, saml, signing_in, single_sign_on  # noqa: F401

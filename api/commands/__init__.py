from api.commands import discovery, nothing_yet, signing_in, single_sign_on  # noqa: F401

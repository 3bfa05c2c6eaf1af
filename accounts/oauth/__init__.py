"""Signing in by OAuth and OpenID Connect, with Authlib.

``web`` is the one way out to providers, ``discovery`` knows their addresses, ``identities`` turns
codes into persons, ``signing_in`` persons into sessions.
"""

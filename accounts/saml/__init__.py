"""Signing in by SAML 2, with pysaml2 and xmlsec1.

``settings`` say who we are, ``providers`` whom we know, ``client`` speaks their language,
``signing_in`` turns an assertion into a session.
"""

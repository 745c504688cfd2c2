"""A simulated company with a SAML and an OIDC provider, for company sign-in on this machine."""

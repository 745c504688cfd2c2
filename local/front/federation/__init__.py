"""Company sign-in of the local user pool: verifies the answers of SAML and OIDC providers as Cognito does.

ministack verifies neither. It still makes the user, the automatic group and the code, from the verified identity.
"""

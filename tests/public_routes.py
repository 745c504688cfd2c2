"""The routes that anyone may call without a token: the one list that the tests compare every route with.

Whoever adds to it opens a route to everyone.
"""

PUBLIC = {("GET", "/")}


def is_public(method: str, path: str) -> bool:
    return (method.upper(), path) in PUBLIC

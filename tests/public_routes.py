"""The list of public routes, which need no token. The tests compare every route with it.

An entry in this list makes a route public.
"""

PUBLIC = {("GET", "/"), ("GET", "/openapi.json")}


def is_public(method: str, path: str) -> bool:
    return (method.upper(), path) in PUBLIC

"""Sends a corpus to a protected route over HTTP and reports the tokens that are not refused."""

from collections.abc import Callable, Iterable

from tests.tokens.corpus import Hostile

LARGEST_HEADER = 10_000  # bytes; API Gateway accepts 10,240 for the request line and all headers


def judge(send: Callable[[str], int], corpus: Iterable[Hostile]) -> list[str]:
    """Returns the tokens that were not answered with 401. An empty list means that all were refused.

    This is evidence only if the same route answers 200 to `pool.token()`. Tokens that a header cannot carry are not
    sent. `not_sendable` names them.

    send  makes a request with that Authorization header and returns the status code
    """
    sent = ((hostile, _status(send, hostile.token)) for hostile in corpus if is_sendable(hostile.token))
    return [
        f"actual {status}, expected 401 ({hostile.code}): {hostile.description}"
        for hostile, status in sent
        if status != 401
    ]


def not_sendable(corpus: Iterable[Hostile]) -> list[str]:
    """Returns the descriptions of the tokens that a header cannot carry."""
    return [hostile.description for hostile in corpus if not is_sendable(hostile.token)]


def is_sendable(token: str) -> bool:
    """Returns whether every server receives the token in a header exactly as it was sent.

    A leading space is excluded. It belongs to the separator after the scheme, so the token arrives without it.

    Source:  RFC 9110 → "Field Values": printable ASCII, with spaces and tabs inside but not at the end
    """
    if len(_header(token)) > LARGEST_HEADER or not token[-1:].strip() or token.startswith(" "):
        return False
    return all(character == "\t" or " " <= character <= "~" for character in token)


def _header(token: str) -> str:
    return f"Bearer {token}"


def _status(send: Callable[[str], int], token: str) -> int | str:
    try:
        return send(_header(token))
    except OSError as failure:  # a closed connection is not a refusal
        return f"no answer ({type(failure).__name__})"

"""A corpus judged over HTTP, by whatever stands in front of a guarded route."""

from collections.abc import Callable, Iterable

from tests.tokens.corpus import Hostile

LARGEST_HEADER = 10_000  # bytes; API Gateway takes 10,240 for the request line and all headers


def judge(send: Callable[[str], int], corpus: Iterable[Hostile]) -> list[str]:
    """Say which tokens were not answered with 401; an empty list is a corpus that was refused.

    It proves nothing unless the same route answers 200 to `pool.token()`. Tokens that do not travel are not sent: they
    are neither refused nor admitted, and `left_at_home` names them.

    send  makes a request with that Authorization header, and gives the status of its answer
    """
    sent = ((hostile, _status(send, hostile.token)) for hostile in corpus if travels(hostile.token))
    return [f"{status}, not 401 for {hostile.code}: {hostile.sentence}" for hostile, status in sent if status != 401]


def left_at_home(corpus: Iterable[Hostile]) -> list[str]:
    """Name the tokens that cannot be a header."""
    return [hostile.sentence for hostile in corpus if not travels(hostile.token)]


def travels(token: str) -> bool:
    """Tell whether a token arrives in a header as it was sent, wherever it is sent.

    A space in front belongs to the separator behind the scheme, so the token arrives without it.

    Source:  RFC 9110 → "Field Values": printable ASCII with spaces and tabs between, of which none at the end
    """
    if len(_header(token)) > LARGEST_HEADER or not token[-1:].strip() or token.startswith(" "):
        return False
    return all(character == "\t" or " " <= character <= "~" for character in token)


def _header(token: str) -> str:
    return f"Bearer {token}"


def _status(send: Callable[[str], int], token: str) -> int | str:
    try:
        return send(_header(token))
    except OSError as failure:  # a server that hangs up has not refused
        return f"no answer ({type(failure).__name__})"

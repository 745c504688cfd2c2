"""Writes to standard output without buffering, also into a file or a pipe."""


def say(text: str) -> None:
    write(f"{text}\n")


def write(text: str) -> None:
    print(text, end="", flush=True)

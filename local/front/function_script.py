"""Completes the script that runs a Python function: `_HANDLER`, its own channel, and a mark at the end of each log."""

from __future__ import annotations

from local.front.patches import registry

RUNTIME = "ministack.core.lambda_runtime"

_SCRIPT = "_PYTHON_WORKER_SCRIPT"
_OPEN = "    _real_stdout = sys.stdout\n"
_BEFORE_IMPORT = "    os.environ.update(env)\n"
_READY = '        _real_stdout.write(json.dumps({"status": "ready", "cold": True}) + "\\n")\n'
_READ = "sys.stdin.readline()"  # for the settings of the function, and for each invocation
_BEFORE_RESPONSE = "        _real_stdout.flush()\n\nrun()"  # the end of the loop over the invocations

# Programs that the function starts do not get these two descriptors. They read nothing, and write to the log.
_OPEN_CHANNEL = """\
    _real_stdin, _real_stdout = os.fdopen(os.dup(0)), os.fdopen(os.dup(1), "w")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)
"""
_SET_HANDLER = '    os.environ["_HANDLER"] = module_name + "." + handler_name\n'
_WRITE_MARK = '        sys.stderr.flush()\n        os.write(2, {}.encode() + b"\\n")\n'


def mark(request_id: str) -> str:
    """Returns the last line of the log of an invocation. A caller cannot print it, because each has its own."""
    return f"\x00end of {request_id}\x00"


START = mark("the start")  # the last line of the log of a start


@registry.replaces(RUNTIME, _SCRIPT)
def _complete(script: str) -> str:
    """Sets `_HANDLER` for Python functions, and separates their responses and logs from other output."""
    return completed(script)


def completed(script: str) -> str:
    """Returns the script with the additions. Raises LookupError for a script with another text."""
    expected = {_OPEN: 1, _BEFORE_IMPORT: 1, _READY: 1, _READ: 2, _BEFORE_RESPONSE: 1}
    for place, count in expected.items():
        if script.count(place) != count:
            raise LookupError(f"{RUNTIME}.{_SCRIPT} does not contain {place!r} {count} times")
    own_mark = f'{mark("%s")!r} % _ms_ctx["request_id"]'
    return (
        script.replace(_OPEN, _OPEN_CHANNEL)
        .replace(_READ, "_real_stdin.readline()")
        .replace(_BEFORE_IMPORT, _BEFORE_IMPORT + _SET_HANDLER)
        .replace(_READY, _WRITE_MARK.format(repr(START)) + _READY)
        .replace(_BEFORE_RESPONSE, _WRITE_MARK.format(f"({own_mark})") + _BEFORE_RESPONSE)
    )

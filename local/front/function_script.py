"""Completes the script that runs a Python function: `_HANDLER`, and a mark at the end of each invocation's log."""

from __future__ import annotations

from local.front.patches import registry

RUNTIME = "ministack.core.lambda_runtime"
MARK = "\x00end of the invocation\x00"

_SCRIPT = "_PYTHON_WORKER_SCRIPT"
_BEFORE_IMPORT = "    os.environ.update(env)\n"
_SET_HANDLER = '    os.environ["_HANDLER"] = module_name + "." + handler_name\n'
_BEFORE_RESPONSE = "        _real_stdout.flush()\n\nrun()"  # the end of the loop over the invocations
_READY = '        _real_stdout.write(json.dumps({"status": "ready", "cold": True}) + "\\n")\n'
_WRITE_MARK = f"        sys.stderr.flush()\n        os.write(2, {(MARK + chr(10)).encode()!r})\n"


@registry.replaces(RUNTIME, _SCRIPT)
def _complete(script: str) -> str:
    """Sets `_HANDLER` for Python functions, as Lambda does, and ends the log of each invocation with a mark."""
    return completed(script)


def completed(script: str) -> str:
    """Returns the script with both additions. Raises LookupError for a script with another text."""
    for place in (_BEFORE_IMPORT, _READY, _BEFORE_RESPONSE):
        if script.count(place) != 1:
            raise LookupError(f"{RUNTIME}.{_SCRIPT} does not contain {place!r} once")
    script = script.replace(_BEFORE_IMPORT, _BEFORE_IMPORT + _SET_HANDLER)
    for place in (_READY, _BEFORE_RESPONSE):
        script = script.replace(place, _WRITE_MARK + place)
    return script

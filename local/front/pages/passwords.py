"""The password policy of a pool, in words, and the check of a new password that was entered twice."""

from __future__ import annotations

from local.front import directory
from local.front.directory import Record

_KINDS = {
    "RequireUppercase": "an uppercase letter",
    "RequireLowercase": "a lowercase letter",
    "RequireNumbers": "a number",
    "RequireSymbols": "a symbol",
}


def rules(pool: Record) -> str:
    """Returns what a password must contain, in one sentence."""
    policy = pool.get("Policies", {}).get("PasswordPolicy", {})
    kinds = [text for name, text in _KINDS.items() if policy.get(name, True)]
    length = f"At least {policy.get('MinimumLength', 8)} characters"
    return f"{length}, with {', '.join(kinds)}." if kinds else f"{length}."


def faults(pool: Record, form: dict[str, str]) -> str:
    """Returns what is wrong with the new password of a form, or an empty text."""
    password = form.get("password", "")
    if password != form.get("password_again", ""):
        return "The two passwords are not the same."
    return f"This password does not follow the rule. {rules(pool)}" if directory.password_faults(pool, password) else ""

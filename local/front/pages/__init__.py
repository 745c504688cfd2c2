"""The sign-in pages of the local user pool. They offer what Cognito's managed login offers, and run no script.

`router.py` finds the handler of a request. `log_in.py`, `second_factor.py` and `accounts.py` contain the handlers.
"""

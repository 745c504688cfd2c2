"""The sample service: files, protected by scopes, and reports, protected by policies.

`python manage.py fork` removes this folder.
"""

"""Reads the e-mails that ministack has sent. They never leave this machine."""

from __future__ import annotations

from ministack.core.responses import set_request_account_id, set_request_region
from ministack.services import ses

from local.front.directory import Record


def outbox() -> list[Record]:
    """Returns the e-mails of the local account and region, the newest first."""
    set_request_account_id("")
    set_request_region(None)
    return list(reversed(ses._sent_emails_list()))

"""Parses untrusted XML. Allows no document type, no entity and no network access, only UTF-8, and a limited size."""

from __future__ import annotations

from lxml import etree

from local.front.federation.identity import Refused

_LARGEST = 256 * 1024  # bytes


def parse(raw: bytes) -> etree._Element:
    """Returns the root element, without comments. Raises Refused."""
    if len(raw) > _LARGEST:
        raise Refused("The XML is too large.")
    if b"<!DOCTYPE" in raw:
        raise Refused("The XML has a document type.")
    # The encoding of the parser overrides the declared one, which could hide a document type. A comment would cut a
    # text in two parts.
    parser = etree.XMLParser(
        encoding="utf-8", resolve_entities=False, load_dtd=False, no_network=True, huge_tree=False, remove_comments=True
    )
    try:
        return etree.fromstring(raw, parser)
    except etree.XMLSyntaxError as error:
        raise Refused("The XML is not well-formed.") from error

"""Sets the tags and the encryption of a bucket that CloudFormation creates. ministack ignores these properties."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from xml.etree.ElementTree import Element, SubElement, tostring

from ministack.services import s3

from local.front.patches import registry


@registry.replaces("ministack.services.cloudformation.provisioners", "_S3_BUCKET_CONFIGURATIONS")
def _configurations(present: Iterable[Any]) -> tuple[Any, ...]:
    """Adds the tags and the encryption of a bucket."""
    return (
        *present,
        ("Tags", _tagging, s3._put_bucket_tagging, s3._delete_bucket_tagging),
        ("BucketEncryption", _encryption, s3._put_bucket_encryption, s3._delete_bucket_encryption),
    )


def _tagging(tags: Iterable[dict[str, str]]) -> bytes:
    root = Element("Tagging", xmlns=s3.S3_NS)
    tag_set = SubElement(root, "TagSet")
    for tag in tags:
        element = SubElement(tag_set, "Tag")
        for part in ("Key", "Value"):
            SubElement(element, part).text = tag[part]
    return tostring(root)


def _encryption(encryption: dict[str, Any]) -> bytes:
    root = Element("ServerSideEncryptionConfiguration", xmlns=s3.S3_NS)
    for rule in encryption["ServerSideEncryptionConfiguration"]:
        default = SubElement(SubElement(root, "Rule"), "ApplyServerSideEncryptionByDefault")
        for name, value in rule["ServerSideEncryptionByDefault"].items():
            SubElement(default, name).text = value
    return tostring(root)

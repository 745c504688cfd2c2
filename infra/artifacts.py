"""Stores bundles and templates in the artifact bucket of a stage, under the hash of their content."""

import hashlib
from base64 import b64encode
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

_ABSENT = frozenset({"404", "NoSuchKey", "NotFound"})


@dataclass(frozen=True)
class Artifacts:
    """The artifact bucket. The key of an object is the folder, the SHA-256 of its content, and a suffix.

    s3      a boto3 client
    bucket  its name
    folder  in the bucket, with a slash at its end
    """

    s3: Any
    bucket: str
    folder: str = ""

    def store(self, content: bytes, suffix: str) -> bool:
        """Uploads content, unless the bucket has it. Returns whether it was uploaded."""
        key, checksum = self._key(content, suffix), b64encode(hashlib.sha256(content).digest()).decode()
        if self._checksum(key) == checksum:
            return False
        # S3 compares the checksum with the content that it received.
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=content, ChecksumSHA256=checksum)
        return True

    def uri(self, content: bytes, suffix: str) -> str:
        """Returns the s3:// address of content."""
        return f"s3://{self.bucket}/{self._key(content, suffix)}"

    def url(self, content: bytes, suffix: str) -> str:
        """Returns the HTTPS address of content, without a signature."""
        where = {"Bucket": self.bucket, "Key": self._key(content, suffix)}
        url: str = self.s3.generate_presigned_url(ClientMethod="get_object", Params=where)
        return url.partition("?")[0]

    def _checksum(self, key: str) -> str | None:
        """Returns the checksum of a stored object. An object that somebody else wrote has another one, or none."""
        try:
            head = self.s3.head_object(Bucket=self.bucket, Key=key, ChecksumMode="ENABLED")
        except ClientError as error:
            if error.response["Error"]["Code"] not in _ABSENT:
                raise
            return None
        checksum: str | None = head.get("ChecksumSHA256")
        return checksum

    def _key(self, content: bytes, suffix: str) -> str:
        return f"{self.folder}{hashlib.sha256(content).hexdigest()}{suffix}"

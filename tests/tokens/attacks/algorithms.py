"""Tokens that choose their own algorithm: no signature, a public key as HMAC secret, or another algorithm."""

import hashlib
import hmac
from collections.abc import Callable

from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA1, SHA256, SHA384, SHA512, HashAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests import mint
from tests.tokens.attack import ABSENT, Attack, Pool, decode_base64url, encode, jwk

Sign = Callable[[Pool, bytes], bytes]


def signed_by(sign: Sign, algorithm: object) -> Callable[[Pool], str]:
    """Makes a token that names `algorithm` and is signed by `sign`."""

    def make(pool: Pool) -> str:
        header, payload = encode(pool.header({"alg": algorithm})), encode(pool.claims())
        signing_input = f"{mint.base64url(header)}.{mint.base64url(payload)}"
        return f"{signing_input}.{mint.base64url(sign(pool, signing_input.encode()))}"

    return make


# --- no signature ---

_NOTHING = ("none", "None", "NONE", "nOnE", "none ", "")


def _zero(pool: Pool, message: bytes) -> bytes:
    return b"\0"


def _unsigned(algorithm: str) -> Callable[[Pool], str]:
    return lambda pool: ".".join(pool.parts(header={"alg": algorithm})[:2]) + "."


# --- public values as HMAC secret ---


def _public(encoding: Encoding, form: PublicFormat) -> Callable[[Pool], bytes]:
    return lambda pool: pool.private_key.public_key().public_bytes(encoding, form)


def _modulus(pool: Pool) -> bytes:
    return decode_base64url(jwk(pool.private_key, pool.kid)["n"])


_PEM = _public(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
_SECRETS: dict[str, Callable[[Pool], bytes]] = {
    "the public key in PEM": _PEM,
    "the public key in PEM, without its last line break": lambda pool: _PEM(pool).strip(),
    "the public key in PEM, with the line breaks of Windows": lambda pool: _PEM(pool).replace(b"\n", b"\r\n"),
    "the public key in the PEM of PKCS 1": _public(Encoding.PEM, PublicFormat.PKCS1),
    "the public key in DER": _public(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
    "the public key in the DER of PKCS 1": _public(Encoding.DER, PublicFormat.PKCS1),
    "the public key's JWK": lambda pool: encode(jwk(pool.private_key, pool.kid)),
    "the public key's modulus": _modulus,
    "the public key's modulus in base64url": lambda pool: mint.base64url(_modulus(pool)).encode(),
    "the key id": lambda pool: pool.kid.encode(),
    "the app client's id": lambda pool: pool.client_id.encode(),
    "nothing": lambda pool: b"",
    "the word secret": lambda pool: b"secret",
}


def _mac(secret: Callable[[Pool], bytes], digest: str) -> Sign:
    return lambda pool, message: hmac.new(secret(pool), message, getattr(hashlib, digest)).digest()


# --- valid signatures of other algorithms ---


def _pkcs1(digest: HashAlgorithm) -> Sign:
    return lambda pool, message: pool.private_key.sign(message, padding.PKCS1v15(), digest)


def _pss(digest: HashAlgorithm) -> Sign:
    scheme = padding.PSS(padding.MGF1(digest), digest.digest_size)
    return lambda pool, message: pool.private_key.sign(message, scheme, digest)


def _ecdsa(curve: ec.EllipticCurve, digest: HashAlgorithm) -> Sign:
    def sign(pool: Pool, message: bytes) -> bytes:
        pair = decode_dss_signature(ec.generate_private_key(curve).sign(message, ec.ECDSA(digest)))
        return b"".join(number.to_bytes((curve.key_size + 7) // 8, "big") for number in pair)

    return sign


_OTHERS: dict[str, Sign] = {
    "RS384": _pkcs1(SHA384()),
    "RS512": _pkcs1(SHA512()),
    "PS256": _pss(SHA256()),
    "PS384": _pss(SHA384()),
    "PS512": _pss(SHA512()),
    "ES256": _ecdsa(ec.SECP256R1(), SHA256()),
    "ES256K": _ecdsa(ec.SECP256K1(), SHA256()),
    "ES384": _ecdsa(ec.SECP384R1(), SHA384()),
    "ES512": _ecdsa(ec.SECP521R1(), SHA512()),
    "EdDSA": lambda pool, message: Ed25519PrivateKey.generate().sign(message),
}

# --- RS256 under another name: the signature is valid ---

_NAMES: dict[str, object] = {
    "missing": ABSENT,
    "null": None,
    "a number": 256,
    "true": True,
    "a list": ["RS256"],
    "an object": {"RS256": True},
    "in lower case": "rs256",
    "in mixed case": "Rs256",
    "with a leading space": " RS256",
    "with a trailing space": "RS256 ",
    "with a trailing line feed": "RS256\n",
    "with a trailing NUL": "RS256\0",
    "in fullwidth letters": "\uff32\uff33256",
    "with a Cyrillic letter": "R\u0405256",
    "in a list of two, as text": "RS256,HS256",
    "of XML signatures": "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
    "of certificates": "sha256WithRSAEncryption",
    "of Java": "SHA256withRSA",
    "an encryption": "RSA-OAEP-256",
    "a direct encryption": "dir",
    **{f"that of {name}": name for name in ("none", "HS256", *_OTHERS)},
}


ATTACKS = [
    *(Attack(f"no signature, and the algorithm {name!r}", "malformed_token", _unsigned(name)) for name in _NOTHING),
    *(
        Attack(f"a zero byte as signature, and the algorithm {name!r}", "wrong_algorithm", signed_by(_zero, name))
        for name in _NOTHING
    ),
    *(
        Attack(f"HS256 with {what} as the secret", "wrong_algorithm", signed_by(_mac(secret, "sha256"), "HS256"))
        for what, secret in _SECRETS.items()
    ),
    Attack("HS384 with the public key as the secret", "wrong_algorithm", signed_by(_mac(_PEM, "sha384"), "HS384")),
    Attack("HS512 with the public key as the secret", "wrong_algorithm", signed_by(_mac(_PEM, "sha512"), "HS512")),
    *(
        Attack(
            f"RS256 in the header, signed by HS256 with {what} as the secret",
            "bad_signature",
            signed_by(_mac(secret, "sha256"), "RS256"),
        )
        for what, secret in _SECRETS.items()
    ),
    *(
        Attack(f"a correct {name} signature", "wrong_algorithm", signed_by(sign, name))
        for name, sign in _OTHERS.items()
    ),
    *(
        Attack(f"a correct {name} signature under the name RS256", "bad_signature", signed_by(sign, "RS256"))
        for name, sign in {**_OTHERS, "RSA and SHA-1": _pkcs1(SHA1())}.items()  # noqa: S303 - must be refused
    ),
    *(
        Attack(f"an algorithm's name {what}", "wrong_algorithm", signed_by(Pool.signature, name))
        for what, name in _NAMES.items()
    ),
]

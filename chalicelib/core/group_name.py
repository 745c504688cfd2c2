"""Validates the name of a group. Pure."""

from unicodedata import category

MAX_CHARACTERS = 128
EXPECTED = f"1 to {MAX_CHARACTERS} letters, marks, symbols, numbers or punctuation characters, and no space"


def is_group_name(name: str) -> bool:
    """Returns whether Cognito accepts the name. Names are compared exactly, without Unicode normalisation.

    Source:  docs.aws.amazon.com/cognito-user-identity-pools → CreateGroup, GroupName: [\\p{L}\\p{M}\\p{S}\\p{N}\\p{P}]+
    """
    return 0 < len(name) <= MAX_CHARACTERS and all(category(character)[0] in "LMSNP" for character in name)

"""A subject names a group or an app client."""

import pytest

from chalicelib.core.errors import InvalidInput
from chalicelib.core.policy import check_subject


@pytest.mark.parametrize(
    "subject",
    [
        "group:clerks",
        "group:eu-west_1_Abc_Okta",
        "client:3n4b5urk1ft4fl3mg5e62d9ado",
        pytest.param("group:team:eng", id="a second colon"),
        pytest.param("group:équipe", id="a non-ASCII letter"),
        pytest.param("group:e\u0301quipe", id="a letter and a mark"),
        pytest.param("group:R&D", id="an ampersand"),
        pytest.param("group:営業部", id="letters without case"),
        pytest.param("group:🙂", id="a symbol"),
        pytest.param('group:a,b/c"\\', id="punctuation of every kind"),
        pytest.param("group:" + "🙂" * 128, id="a name of 128 characters"),
    ],
)
def test_a_valid_subject_is_returned_unchanged(subject: str) -> None:
    assert check_subject(subject) == subject


@pytest.mark.parametrize(
    "subject",
    [
        pytest.param("clerks", id="no kind"),
        pytest.param("user:clerk", id="another kind"),
        pytest.param("Group:clerks", id="a kind in another case"),
        pytest.param("group:", id="no name"),
        pytest.param("group:a b", id="a space"),
        pytest.param("client:a:b", id="a second colon in a client"),
        pytest.param("client:équipe", id="a client with a non-ASCII letter"),
        pytest.param("client:R&D", id="a client with an ampersand"),
        pytest.param("client:", id="no client"),
        pytest.param("group:a\u00a0b", id="a no-break space"),
        pytest.param("group:a\u200bb", id="a zero-width space"),
        pytest.param("group:a\u202eb", id="a right-to-left override"),
        pytest.param("group:a\x00", id="NUL"),
        pytest.param("group:a\u2028b", id="a line separator"),
        pytest.param("group:\ud800", id="a lone surrogate"),
        pytest.param("group:\ue000", id="a private-use character"),
        pytest.param("group:\U000e0080", id="an unassigned character"),
        pytest.param("group:clerks\n", id="a line feed"),
        pytest.param(" group:clerks", id="a leading space"),
        pytest.param("group:" + "g" * 129, id="a name of 129 characters"),
        pytest.param("", id="nothing"),
    ],
)
def test_an_invalid_subject_is_refused(subject: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        check_subject(subject)
    assert refused.value.field == "subject"

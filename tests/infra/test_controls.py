"""The identity stack keeps each control under every combination of its parameters: 5,904 that make sense, of 9,504.

The numbers are those of docs/controls.md. That each rule bites is shown in test_faults.py.
"""

from itertools import islice

from tests.infra.controls import identity_findings
from tests.infra.matrix import combinations, makes_sense
from tests.infra.resolve import Template


def broken(control: int, template: Template) -> list[str]:
    """The first few findings."""
    return list(islice(identity_findings(control, template, combinations()), 3))


def test_the_combinations_are_as_many_as_is_said() -> None:
    everything = list(combinations())
    assert (len(everything), sum(map(makes_sense, everything))) == (9504, 5904)


def test_tokens_are_got_by_code_or_by_a_machines_own_credentials_and_no_other_way(identity: Template) -> None:
    """Control 1. RFC 9700, 2.1.2 (no implicit grant) and 2.4 (no passwords handed over)."""
    assert broken(1, identity) == []


def test_people_are_sent_back_to_exact_addresses_over_tls_or_on_their_own_machine(identity: Template) -> None:
    """Control 3. RFC 9700, 2.1 and 4.1.3."""
    assert broken(3, identity) == []


def test_refresh_tokens_rotate_can_be_revoked_and_last_a_day_at_most(identity: Template) -> None:
    """Control 4. RFC 9700, 2.2.2 and 4.14; NIST SP 800-63B-4, 2.2.3 (a day between authentications)."""
    assert broken(4, identity) == []


def test_a_client_may_ask_for_no_more_than_it_needs_and_for_a_quarter_of_an_hour(identity: Template) -> None:
    """Control 5. RFC 9700, 2.3."""
    assert broken(5, identity) == []


def test_a_second_factor_is_asked_for_by_default_and_is_never_sms(identity: Template) -> None:
    """Control 13. OWASP ASVS 5.0, V6.3; NIST SP 800-63B-4, 2.2."""
    assert broken(13, identity) == []


def test_passwords_are_long_and_otherwise_free(identity: Template) -> None:
    """Control 14. NIST SP 800-63B-4, 3.1.1; OWASP ASVS 5.0, V6.2."""
    assert broken(14, identity) == []


def test_nobody_can_find_out_who_has_an_account(identity: Template) -> None:
    """Control 15. OWASP ASVS 5.0, V6.3."""
    assert broken(15, identity) == []


def test_a_companys_provider_is_asked_in_signed_requests_that_begin_here(identity: Template) -> None:
    """Control 16. OWASP ASVS 5.0, V6.8 and V10."""
    assert broken(16, identity) == []


def test_nobody_writes_the_attribute_that_gives_groups_with_their_own_token(identity: Template) -> None:
    """Control 17. OWASP ASVS 5.0, V8; Cognito's documentation of WriteAttributes."""
    assert broken(17, identity) == []


def test_each_function_has_a_role_of_its_own_that_names_its_actions_and_resources(identity: Template) -> None:
    """Control 18. AWS Well-Architected, SEC03."""
    assert broken(18, identity) == []


def test_only_this_pool_of_this_account_may_ask_the_triggers(identity: Template) -> None:
    """Control 19. AWS IAM User Guide, "The confused deputy problem"."""
    assert broken(19, identity) == []


def test_what_people_and_policies_are_kept_in_outlives_the_stack_and_mistakes(identity: Template) -> None:
    """Control 20. AWS Well-Architected, REL09 and SEC08."""
    assert broken(20, identity) == []


def test_a_key_of_the_accounts_own_encrypts_everything_where_it_is_wanted(identity: Template) -> None:
    """Control 21. AWS Well-Architected, SEC08."""
    assert broken(21, identity) == []


def test_logs_are_kept_as_long_as_was_said(identity: Template) -> None:
    """Control 22. AWS Well-Architected, SEC04; OWASP ASVS 5.0, V16."""
    assert broken(22, identity) == []


def test_every_failure_is_kept_and_somebody_is_told(identity: Template) -> None:
    """Control 23. AWS Well-Architected, REL05 and REL06."""
    assert broken(23, identity) == []


def test_a_firewall_stands_before_pool_and_api_where_it_is_wanted(identity: Template) -> None:
    """Control 24. AWS Well-Architected, SEC05."""
    assert broken(24, identity) == []


def test_an_address_counts_only_after_it_was_verified(identity: Template) -> None:
    """Control 27. OWASP ASVS 5.0, V6.4."""
    assert broken(27, identity) == []


def test_no_secret_is_in_an_output_a_parameter_or_a_property_that_is_shown(identity: Template) -> None:
    """Control 28. OWASP ASVS 5.0, V13.3."""
    assert broken(28, identity) == []


def test_people_make_their_own_account_only_where_that_is_wanted(identity: Template) -> None:
    """Control 32. OWASP ASVS 5.0, V6 and V8."""
    assert broken(32, identity) == []


def test_what_makes_no_sense_is_refused_and_the_rest_is_nothing_that_aws_would_refuse(identity: Template) -> None:
    """Control 29. The documentation of CloudFormation and of Cognito's feature plans."""
    assert broken(29, identity) == []

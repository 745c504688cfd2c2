"""The identity stack fulfils each control under all 4,140 valid sets of parameters, out of 4,824.

The numbers of the controls are those of docs/controls.md. test_faults.py shows that each rule reports a fault.
"""

from itertools import islice

from tests.infra.controls import identity_findings
from tests.infra.matrix import combinations, is_valid
from tests.infra.resolve import Template


def broken(control: int, template: Template) -> list[str]:
    """Returns the first three findings."""
    return list(islice(identity_findings(control, template, combinations()), 3))


def test_the_number_of_combinations_is_the_documented_one() -> None:
    everything = list(combinations())
    assert (len(everything), sum(map(is_valid, everything))) == (4824, 4140)


def test_clients_use_only_the_code_flow_or_client_credentials(identity: Template) -> None:
    """Control 1. RFC 9700, 2.1.2 (no implicit grant) and 2.4 (no password grant)."""
    assert broken(1, identity) == []


def test_redirects_are_exact_and_use_tls_except_for_localhost(identity: Template) -> None:
    """Control 3. RFC 9700, 2.1 and 4.1.3."""
    assert broken(3, identity) == []


def test_refresh_tokens_rotate_can_be_revoked_and_last_a_day_at_most(identity: Template) -> None:
    """Control 4. RFC 9700, 2.2.2 and 4.14; NIST SP 800-63B-4, 2.2.3 (a day between authentications)."""
    assert broken(4, identity) == []


def test_clients_have_least_scopes_and_attributes_and_tokens_for_15_minutes(identity: Template) -> None:
    """Control 5. RFC 9700, 2.3."""
    assert broken(5, identity) == []


def test_mfa_is_required_by_default_and_never_uses_sms(identity: Template) -> None:
    """Control 13. OWASP ASVS 5.0, V6.3; NIST SP 800-63B-4, 2.2."""
    assert broken(13, identity) == []


def test_passwords_have_15_characters_and_no_composition_rules(identity: Template) -> None:
    """Control 14. NIST SP 800-63B-4, 3.1.1; OWASP ASVS 5.0, V6.2."""
    assert broken(14, identity) == []


def test_clients_do_not_reveal_which_accounts_exist(identity: Template) -> None:
    """Control 15. OWASP ASVS 5.0, V6.3."""
    assert broken(15, identity) == []


def test_saml_sign_in_starts_here_with_signed_requests(identity: Template) -> None:
    """Control 16. OWASP ASVS 5.0, V6.8 and V10."""
    assert broken(16, identity) == []


def test_no_user_can_write_the_groups_attribute_with_their_own_token(identity: Template) -> None:
    """Control 17. OWASP ASVS 5.0, V8; Cognito's documentation of WriteAttributes."""
    assert broken(17, identity) == []


def test_each_function_has_its_own_role_with_exact_actions_and_resources(identity: Template) -> None:
    """Control 18. AWS Well-Architected, SEC03."""
    assert broken(18, identity) == []


def test_the_user_pool_and_the_tables_are_retained_and_protected(identity: Template) -> None:
    """Control 20. AWS Well-Architected, REL09 and SEC08."""
    assert broken(20, identity) == []


def test_the_artifact_bucket_is_private_and_keeps_versions(identity: Template) -> None:
    """Control 33. AWS Well-Architected, SEC08 and SEC11; NIST SP 800-218 (SSDF), PS.2."""
    assert broken(33, identity) == []


def test_a_customer_managed_key_encrypts_everything_if_selected(identity: Template) -> None:
    """Control 21. AWS Well-Architected, SEC08."""
    assert broken(21, identity) == []


def test_logs_have_the_configured_retention_time(identity: Template) -> None:
    """Control 22. AWS Well-Architected, SEC04; OWASP ASVS 5.0, V16."""
    assert broken(22, identity) == []


def test_failures_are_retained_and_raise_an_alarm(identity: Template) -> None:
    """Control 23. AWS Well-Architected, REL05 and REL06."""
    assert broken(23, identity) == []


def test_a_web_acl_protects_the_user_pool_if_selected(identity: Template) -> None:
    """Control 24. AWS Well-Architected, SEC05."""
    assert broken(24, identity) == []


def test_an_email_address_must_be_verified(identity: Template) -> None:
    """Control 27. OWASP ASVS 5.0, V6.4."""
    assert broken(27, identity) == []


def test_no_secret_is_in_an_output_a_parameter_or_a_visible_property(identity: Template) -> None:
    """Control 28. OWASP ASVS 5.0, V13.3."""
    assert broken(28, identity) == []


def test_users_can_sign_up_only_if_the_stage_allows_it(identity: Template) -> None:
    """Control 32. OWASP ASVS 5.0, V6 and V8."""
    assert broken(32, identity) == []


def test_invalid_parameters_are_refused_and_aws_would_accept_the_others(identity: Template) -> None:
    """Control 29. The documentation of CloudFormation and of Cognito's feature plans."""
    assert broken(29, identity) == []

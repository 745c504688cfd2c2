"""A policy document is built once for its permissions and its stage. It is removed together with its permissions."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from authorizers.document_cache import CachedDocument, DocumentCache
from chalicelib.authorize import Authorize, EffectivePermissions
from chalicelib.core.errors import CannotDecide
from tests.fakes import FakePolicies, FakeState, allow, principal, statements

STAGE = "arn:aws:execute-api:mars-west-1:123456789012:gatehouse1/v1/"


class Builder:
    """Builds documents that contain the generation and the stage. Counts its calls."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, permissions: EffectivePermissions, arn_base: str) -> CachedDocument:
        self.calls += 1
        return CachedDocument({"generation": permissions.generation}, {"stage": arn_base}, 2)


def permissions(generation: int = 1) -> EffectivePermissions:
    return EffectivePermissions(statements(allow("/reports")), ("group:clerks@1",), generation)


def test_a_document_is_built_once_for_the_same_permissions_and_stage() -> None:
    build, clerk = Builder(), permissions()
    cache = DocumentCache(build)
    assert cache.get(clerk, STAGE) is cache.get(clerk, STAGE)
    assert build.calls == 1


def test_equal_permissions_of_another_read_get_another_document() -> None:
    build, before, after = Builder(), permissions(1), permissions(2)
    cache = DocumentCache(build)
    assert [cache.get(each, STAGE).policy for each in (before, after)] == [{"generation": 1}, {"generation": 2}]
    assert DocumentCache(build).get(permissions(1), STAGE) is not cache.get(before, STAGE)


def test_each_stage_gets_its_own_document() -> None:
    build, clerk = Builder(), permissions()
    cache = DocumentCache(build)
    for stage in (STAGE, STAGE.replace("/v1/", "/v2/"), STAGE):
        assert cache.get(clerk, stage).context == {"stage": stage}
    assert build.calls == 2


def test_the_cache_keeps_the_documents_of_a_limited_number_of_stages() -> None:
    build, clerk = Builder(), permissions()
    cache = DocumentCache(build)
    for _ in range(2):
        for number in range(9):
            stage = STAGE.replace("/v1/", f"/v{number}/")
            assert cache.get(clerk, stage).context == {"stage": stage}
    assert build.calls > 9


def test_a_document_is_removed_when_its_permissions_are_garbage_collected() -> None:
    cache, clerk, auditor = DocumentCache(Builder()), permissions(), permissions()
    cache.get(clerk, STAGE)
    cache.get(auditor, STAGE)
    assert len(cache) == 2
    del clerk
    assert len(cache) == 1


def test_a_new_generation_removes_the_documents_of_the_old_generation() -> None:
    cache, state = DocumentCache(Builder()), FakeState()
    authorize = Authorize(lambda _: principal(), state, FakePolicies())
    for _ in range(3):
        cache.get(authorize("token", "GET", "/reports").permissions, STAGE)
        state.bump()
    assert len(cache) == 1


def test_a_document_that_cannot_be_built_is_not_cached() -> None:
    def fails(*_: object) -> CachedDocument:
        raise CannotDecide("arn_too_long", "too long")

    cache, clerk = DocumentCache(fails), permissions()
    for _ in range(2):
        with pytest.raises(CannotDecide):
            cache.get(clerk, STAGE)
    assert len(cache) == 0


def test_threads_share_one_cache() -> None:
    cache, everyone = DocumentCache(Builder()), [permissions(number) for number in range(50)]
    with ThreadPoolExecutor(8) as pool:
        documents = list(pool.map(lambda each: cache.get(each, STAGE), everyone * 20))
    assert [document.policy["generation"] for document in documents] == list(range(50)) * 20
    assert len(cache) == 50

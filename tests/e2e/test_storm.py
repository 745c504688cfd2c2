"""Many concurrent writers and readers.

GATEHOUSE_STORM_SECONDS sets the duration (4), GATEHOUSE_STORM_PAIRS the number of writers and readers (2).
`make storm` uses 60 and 8.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Event

from local.sign_in import sign_in
from tests.e2e.clients import Api, UserGroup
from tests.e2e.cloud import Cloud
from tests.fakes import allow

SECONDS = float(os.environ.get("GATEHOUSE_STORM_SECONDS", "4"))
PAIRS = int(os.environ.get("GATEHOUSE_STORM_PAIRS", "2"))


@dataclass
class Subject:
    """A group, and the expected status of its members. It is None during a change."""

    user_group: UserGroup
    expected: tuple[int] | None = None  # a new object for each change, so that two changes are never identical
    was_read: Event = field(default_factory=Event)


def test_concurrent_writers_and_readers_get_no_stale_response(
    cloud: Cloud, new_user_group: Callable[..., UserGroup]
) -> None:
    subjects = [Subject(new_user_group()) for _ in range(PAIRS)]
    over = Event()
    admin = sign_in(cloud.outputs, **cloud.outputs["users"]["admin"])

    def warm_up(_: int) -> int:
        return Api(cloud.outputs["api_url"]).ask("GET", "/admin/policies", admin).status

    def write(subject: Subject) -> Counter[str]:
        done: Counter[str] = Counter()
        api, allowed = Api(cloud.outputs["api_url"]), False
        while not over.is_set():
            allowed = not allowed
            subject.expected = None
            statements = [allow("/whoami")] if allowed else [allow("/elsewhere")]
            answer = api.ask("PUT", subject.user_group.policy_path, admin, {"statements": statements})
            if answer.status == 200:
                subject.was_read.clear()
                subject.expected = (200 if allowed else 403,)
                subject.was_read.wait(10)
            done[f"write {answer.status}"] += 1
        return done

    def read(subject: Subject) -> Counter[str]:
        done: Counter[str] = Counter()
        api = Api(cloud.outputs["api_url"])
        while not over.is_set():
            before = subject.expected
            status = api.ask("GET", "/whoami", subject.user_group.token).status
            if before is None or before is not subject.expected:
                done["read during a change"] += 1
                continue
            subject.was_read.set()
            if status >= 500:
                done[f"read {status}"] += 1
            elif status == before[0]:
                done[f"read {status} as expected"] += 1
            else:
                done[f"read {status} where {before[0]} was expected"] += 1
        return done

    with ThreadPoolExecutor(2 * PAIRS) as pool:
        started = set(pool.map(warm_up, range(2 * PAIRS)))  # so that cold starts do not count
        assert started == {200}
        at_work = [pool.submit(work, subject) for subject in subjects for work in (write, read)]
        time.sleep(SECONDS)  # the result does not depend on the duration
        over.set()
    seen = sum((work.result() for work in at_work), Counter[str]())
    print(f"\n{PAIRS} writers and {PAIRS} readers for {SECONDS:.0f} s: {dict(sorted(seen.items()))}")
    assert seen["read 200 as expected"] > 0, "some reads are permitted"
    assert seen["read 403 as expected"] > 0, "some reads are refused"
    assert seen["write 200"] >= 2 * PAIRS, "every writer writes at least twice"
    assert not [kind for kind in seen if "where" in kind], seen
    assert not [kind for kind in seen if kind.startswith(("read 5", "write 5"))], seen

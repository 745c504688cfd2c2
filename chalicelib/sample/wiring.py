"""Builds the sample service when a route first asks for it."""

from functools import cache

from chalicelib import wiring
from chalicelib.sample.service import Service
from chalicelib.sample.table import SampleTable


@cache
def service() -> Service:
    return Service(SampleTable(wiring.dynamodb(), wiring.settings().sample_table))

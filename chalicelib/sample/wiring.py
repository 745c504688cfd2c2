"""Builds the sample service when a route first asks for it."""

from functools import cache

from chalicelib import aws_clients, wiring
from chalicelib.sample.service import Service
from chalicelib.sample.table import SampleTable


@cache
def service() -> Service:
    return Service(SampleTable(aws_clients.dynamodb(), wiring.settings().sample_table))

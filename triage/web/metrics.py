"""Figures for whatever watches over the server: how much is asked for, how long it takes."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import Response
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.multiprocess import MultiProcessCollector
from starlette.exceptions import HTTPException

from triage.store import Way
from triage.web.gate import site_of
from triage.web.proxies import is_among, is_through_a_proxy, peer_of

router = APIRouter()
SHARED: Final = "PROMETHEUS_MULTIPROC_DIR"
"""The environment variable that names a folder by which processes add up their figures."""
_BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


@dataclass
class Metrics:
    """The figures of one server."""

    registry: CollectorRegistry = field(default_factory=CollectorRegistry)

    def __post_init__(self) -> None:
        self.requests = Counter(
            "triage_requests", "Requests answered, by route, method and class of status.",
            ("route", "method", "status"), registry=self.registry,
        )  # fmt: skip
        self.seconds = Histogram(
            "triage_request_seconds", "Seconds that a request took, by route.",
            ("route",), buckets=_BUCKETS, registry=self.registry,
        )  # fmt: skip
        self.failed = Counter(
            "triage_sign_ins_failed", "Sign-ins that were refused, by way.",
            ("way",), registry=self.registry,
        )  # fmt: skip

    def keep(self, route: str, method: str, status: int, seconds: float) -> None:
        """Count a request."""
        self.requests.labels(route, method, f"{status // 100}xx").inc()
        self.seconds.labels(route).observe(seconds)

    def text(self) -> bytes:
        """Return every figure as it is scraped, of all processes where there are several."""
        if SHARED not in os.environ:
            return generate_latest(self.registry)
        shared = CollectorRegistry()
        MultiProcessCollector(shared)  # type: ignore[no-untyped-call]
        return generate_latest(shared)


def count_failed(request: Request, way: Way) -> None:
    """Count a sign-in that was refused."""
    found = request.app.state.metrics
    assert isinstance(found, Metrics)
    found.failed.labels(way).inc()


@router.get("/metrics")
def metrics(request: Request) -> Response:
    """Give the figures, to addresses that the settings name and to nobody through a proxy."""
    allowed = site_of(request).settings.web.metrics_from
    if is_through_a_proxy(request) or not is_among(peer_of(request), allowed):
        raise HTTPException(404)
    found = request.app.state.metrics
    assert isinstance(found, Metrics)
    return Response(found.text(), media_type=CONTENT_TYPE_LATEST)

"""The peer of `answers.py`: bare Starlette that answers the same bytes from the same scored day, without key, gate or ledger."""

from __future__ import annotations

import os
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from serving.answers import Answer
from serving.day.scored_day import ScoredDay
from serving.requests import EnterpriseIds
from serving.scoring.transcript import AnswerFrame, framed_answer


def application() -> Starlette:
    """Return the application; BENCH_DAY names the folder of the scored day."""
    day = ScoredDay(Path(os.environ["BENCH_DAY"]))
    manifest = day.manifest
    frame = AnswerFrame(
        target=manifest.target,
        entity=manifest.entity,
        as_of=manifest.as_of,
        bundle=manifest.bundle,
        generation=None,
        features=manifest.features,
        priority_only=manifest.priority_only,
        dormant_words=manifest.dormant_words,
    )

    async def score(request: Request) -> Response:
        asked = EnterpriseIds.model_validate_json(await request.body())
        rows = [day.row(key) for key in asked.enterprises]
        cases = [row.case for row in rows if row is not None]
        answer = Answer.model_validate({**framed_answer(frame, cases, None), "record_id": "none"})
        return Response(answer.model_dump_json(), media_type="application/json")

    return Starlette(routes=[Route("/v1/enterprises/score", score, methods=["POST"])])


if __name__ == "__main__":
    print("the peer of answers.py, which starts it; nothing to run by itself")

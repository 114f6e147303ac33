"""The check Schemathesis applies to every answer: what `openapi.py` says of it."""

import json

import schemathesis

import openapi

SPEC, DEVIATIONS = openapi.Spec(), openapi.Deviations()
# Methods the documents do not have, and those they stand for: older clients send them.
SAME = {
    ("PATCH", "/v2/watchlists/{watchlist_id}"): "PUT",
    ("PATCH", "/v2/watchlists:by_name"): "PUT",
}


@schemathesis.check
def permitted(ctx, response, case):
    status, body = response.status_code, response.content
    method, target = response.request.method, response.request.path_url
    # By its name: what is made up for a parameter of the path may be anything, a slash too.
    operation = SPEC.named(f"{SAME.get((method, case.path), method)} {case.path}")
    if operation is None:
        # A method the path does not have: refused like everything else.
        if not 400 <= status < 500 or (body and "message" not in json.loads(body)):
            raise AssertionError(f"{method} answers {status} {body!r}")
        return
    kind = (response.headers.get("content-type") or [""])[0]
    found = SPEC.answer(method, target, status, kind, body, operation)
    bad = [str(finding) for finding in sorted(found) if not DEVIATIONS.permits(finding)]
    if bad:
        raise AssertionError("; ".join(bad))

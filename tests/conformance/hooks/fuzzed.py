"""What schemathesis holds each answer to. It runs in the fuzzer's own environment, without the hub's packages."""

import schemathesis


@schemathesis.check
def nothing_breaks_inside(ctx, response, case):
    assert response.status_code < 500, f"the status is {response.status_code}: {response.text[:500]}"
    try:
        body = response.json()
    except ValueError:
        raise AssertionError(f"not JSON: {response.text[:500]}") from None
    for error in body.get("errors") or ():
        code = error["extensions"]["code"]
        assert code not in ("INTERNAL", "RATE_LIMITED"), f"{code} at {error.get('path')}: {case.body}"

# SPDX-License-Identifier: Apache-2.0
"""Spans as otelbpf writes them, and what is expected of them."""
import collections
import json

MS = 1_000_000
UNSET, ERROR = 0, 2
KINDS = {2: "SERVER", 3: "CLIENT"}


class Wrong(AssertionError):
    """What was expected and what was got."""


def expect(what, want, got):
    if want != got:
        raise Wrong(f"{what}:\nexpected {short(want)}\ngot      {short(got)}")


def expect_that(holds, text):
    if not holds:
        raise Wrong(text)


def short(value):
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) < 600 else f"{text[:400]} … {text[-150:]} ({len(text)} characters)"


class Span:
    def __init__(self, raw, resource, scope):
        self.raw, self.resource, self.scope = raw, resource, scope
        self.name, self.kind = raw["name"], KINDS.get(raw["kind"], raw["kind"])
        self.trace_id, self.span_id = raw["traceId"], raw["spanId"]
        self.parent, self.state = raw.get("parentSpanId", ""), raw.get("traceState", "")
        self.flags = raw.get("flags", 0)
        self.start, self.end = int(raw["startTimeUnixNano"]), int(raw["endTimeUnixNano"])
        self.attrs = attributes(raw.get("attributes", []))
        self.status = raw["status"].get("code", UNSET)
        self.service = resource.get("service.name", "")
        self.code = self.attrs.get("http.response.status_code")

    @property
    def duration(self):
        return self.end - self.start

    @property
    def target(self):
        query = self.attrs.get("url.query")
        path = self.attrs.get("url.full", self.attrs.get("url.path", ""))
        return f"{path}?{query}" if query else path

    @property
    def id(self):
        """What stands behind id= in the target, or behind /id/ in its path."""
        for mark in ("id=", "/id/"):
            _, found, rest = self.target.partition(mark)
            if found:
                return rest.split("&")[0].split("/")[0].split("?")[0]
        return ""

    def __repr__(self):
        error = self.attrs.get("error.type", "")
        return f"<{self.kind} {self.service} {self.name} {short(self.target)} {self.code} {error}>"


def plain(value):
    """An AnyValue as a Python value."""
    for key, got in value.items():
        if key == "intValue":
            return int(got)
        if key == "arrayValue":
            return [plain(v) for v in got.get("values", [])]
        return got
    return None


def attributes(pairs):
    out = {p["key"]: plain(p["value"]) for p in pairs}
    expect("attribute keys are unique", len(out), len(pairs))
    return out


def parse_spans(text):
    """The spans of OTLP JSON lines. A last line without its end is not there yet."""
    spans = []
    for line in text.splitlines(keepends=True):
        if not line.endswith("\n"):
            break
        for group in json.loads(line)["resourceSpans"]:
            resource = attributes(group["resource"]["attributes"])
            for scoped in group["scopeSpans"]:
                spans += [Span(raw, resource, scoped) for raw in scoped["spans"]]
    return spans


def by_id(spans):
    out = collections.defaultdict(list)
    for span in spans:
        out[span.id].append(span)
    return out


def one(spans, id_, kind="SERVER", service=None):
    """The only span of that request and kind."""
    found = [s for s in spans if s.id == id_ and s.kind == kind and service in (None, s.service)]
    if len(found) != 1:
        raise Wrong(f"{kind} spans of request {short(id_)}:\nexpected one\ngot      {found}")
    return found[0]


def check_spans(spans, want, maybe=()):
    """want: {id: {(kind, service): status code}}. Each exactly once, and nothing else but those of
    maybe: requests whose answer the client did not wait for."""
    got = by_id(spans)
    wrong = []
    for id_, kinds in want.items():
        have = collections.Counter((s.kind, s.service) for s in got.get(id_, []))
        if have != collections.Counter(list(kinds)):
            wrong.append(f"{id_}: expected {sorted(kinds)}, got {sorted(have.items())}")
            continue
        wrong += [f"{id_} {s.kind}: expected status {kinds[s.kind, s.service]}, got {s!r}"
                  for s in got[id_] if kinds[s.kind, s.service] != s.code]
    strange = [s for id_, found in got.items() if id_ not in want and id_ not in maybe for s in found]
    wrong += [f"a span of no request: {s!r}" for s in strange[:10]]
    if wrong:
        more = [f"… and {len(wrong) - 12} more"] if len(wrong) > 12 else []
        raise Wrong("\n".join([f"{len(want)} requests, {len(spans)} spans"] + wrong[:12] + more))

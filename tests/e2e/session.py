# SPDX-License-Identifier: Apache-2.0
"""Many scenarios under one otelbpf: each is run untraced, then traced, and then judged by itself.

A scenario is a generator: it makes its requests through x, yields, and gets x back when tracing has
ended, with the spans of its own requests in x.spans. All requests that it makes by x.ask or notes by
x.expect must then be there, once for each kind, with the status that the client saw.
"""
import collections

import client
from harness import Bench, report
from spans import Wrong, by_id, check_spans, expect, one

SCENARIOS = collections.defaultdict(list)


def scenario(name, *groups):
    """groups: for which kinds of server."""
    def register(function):
        for group in groups:
            SCENARIOS[group].append((name, function))
        return function
    return register


class Run:
    """One scenario, once. kinds: {(kind, service)} that each request has; address: whom to ask."""

    def __init__(self, session, number):
        self.session, self.number, self.count = session, number, 0
        self.address, self.server, self.bench = session.address, session.server, session.bench
        self.kinds = list(session.kinds)
        self.want, self.maybe, self.answers, self.losses = {}, set(), [], []
        self.spans, self.error = [], None

    def id(self):
        self.count += 1
        return f"s{self.number}n{self.count}"

    def expect(self, id_, status, kinds=None):
        self.want[id_] = {kind: status for kind in (kinds or self.kinds)}

    def note(self, id_, answer):
        """What the client saw."""
        self.answers.append(answer.same())
        self.expect(id_, answer.status)
        answer.id = id_
        return answer

    def target(self, path):
        """path with an id of its own, and the id."""
        id_ = self.id()
        return f"{path}{'&' if '?' in path else '?'}id={id_}", id_

    def ask(self, path="/ok", method="GET", on=None, **more):
        """One request and its answer, on a connection of its own or on that one."""
        target, id_ = self.target(path)
        if on:
            return self.note(id_, on.ask(target, method, **more))
        return self.note(id_, client.ask(self.address, target, method, **more))

    def connect(self):
        return client.Connection(self.address)

    def one(self, answer_or_id, kind="SERVER", service=None):
        return one(self.spans, getattr(answer_or_id, "id", answer_or_id), kind, service)


class Session:
    """Scenarios of a group against one set of servers, traced together."""

    def __init__(self, title, group, servers, kinds, args=()):
        self.title, self.group, self.make_servers, self.kinds = title, group, servers, kinds
        self.args, self.result = args, None
        self.bench = self.server = self.address = None

    def _traffic(self, words):
        """Runs all scenarios up to their yield."""
        runs = []
        for number, (name, function) in enumerate(SCENARIOS[self.group]):
            if words and not any(word in name for word in words):
                continue
            run = Run(self, number)
            run.name, run.generator = name, function(run)
            try:
                next(run.generator)
            except StopIteration:
                run.generator = None
            except Exception as error:  # pylint: disable=broad-except
                run.error = error
            runs.append(run)
        return runs

    def _judge(self, run, before, found):
        if before.error or run.error:
            raise before.error or run.error
        expect("answers, untraced and traced", before.answers, run.answers)
        run.spans = [s for id_ in (*run.want, *run.maybe) for s in found.get(id_, [])]
        check_spans(run.spans, run.want, run.maybe)
        if run.generator:
            try:
                run.generator.send(run)
            except StopIteration:
                pass

    def execute(self, words=()):
        """True when all is well; prints a line for each scenario and one for the whole."""
        with Bench() as self.bench:
            self.server, *others = self.make_servers(self.bench)
            self.address = self.server.address
            before = self._traffic(words)
            agent = self.bench.trace(self.server, *others, args=self.args)
            runs = self._traffic(words)
            self.result = agent.stop()
        found, good = by_id(self.result.spans), True
        for was, run in zip(before, runs):
            error = None
            try:
                self._judge(run, was, found)
            except Exception as caught:  # pylint: disable=broad-except
                error = caught
            good &= report(f"{self.title}: {run.name}", error)
        return self._whole(runs, found) and good

    def _whole(self, runs, found):
        """No span but those of the requests, and nothing lost."""
        known = {id_ for run in runs for id_ in (*run.want, *run.maybe)}
        strange = [s for id_, spans in found.items() if id_ not in known for s in spans]
        error = None
        try:
            if strange:
                raise Wrong(f"spans of no request:\nexpected none\ngot      {strange}")
            self.result.check_clean([loss for run in runs for loss in run.losses])
        except Wrong as caught:
            error = caught
        return report(f"{self.title}: no other span, nothing lost", error)

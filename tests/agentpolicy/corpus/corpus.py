#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The corpus: good starts of pods (requests.py) and the variations of cases.json, as lines for a peer of e2e/rego-peer.

    corpus.py groups WORK                      NUMBER MANIFEST WORKLOAD OPTIONS of each group, with tabs between
    corpus.py lines WORK                       WORK/lines for the peers, WORK/wanted beside it
    corpus.py judge WORK ENGINE                TAP about WORK/answers.ENGINE
    corpus.py same WORK ENGINE ENGINE          … and whether two engines say the same
    corpus.py instead WORK POLICY              the lines with this policy, or "other": that of another group
    corpus.py wrong WORK POLICY WHAT           TAP: it fails all that is to be "allowed", or "refused", or a "start" of each

WORK has manifests/NAME.json, images.json, and policies/GROUP.rego for each group of cases.json. A group is

    {"manifest", "workload": 0, "options": […], "cases": […]}

Its start is asked first, in order. A case is a request at a point of the start, judged without changing the state, or, where
it says "at": "end", one after the other behind it:

    "on" STEP of requests.py ("create web#1": the second time)   or   "kind" and "request"
    "at" STEP before which, when not its own                     "pod" another name for the pod
    "set" {POINTER: VALUE}   "add" {POINTER of a list: ITEM}  "remove" [POINTER]    <web> <web#1> <sandbox>: ids
    "rule" the reasons with which it is refused, all of them; none: it is allowed
"""

import copy
import json
import os
import re
import sys

from pods import Pod, workloads
from requests import Guest, read

HERE = os.path.dirname(os.path.abspath(__file__))


# ---- variations

def index(holder, key):
    """Of a list's item also by what it is called: @/etc/hosts, @PATH."""
    if not isinstance(holder, list):
        return key
    if not key.startswith("@"):
        return int(key)
    return next(i for i, item in enumerate(holder) if key[1:] == (item.split("=")[0] if isinstance(item, str) else item["destination"]))


def place(request, pointer):
    """The object or list that holds it, and its key."""
    *path, last = [key.replace("~1", "/").replace("~0", "~") for key in pointer.split("/")[1:]]
    for key in path:
        request = request[index(request, key)]
    return request, index(request, last)


def named(value, guest):
    """With the ids that <…> stand for."""
    def one(match):
        return guest.id if match[1] == "sandbox" else guest.container_id(match[1], int(match[2] or 0))
    return json.loads(re.sub(r"<([a-z-]+)(?:#(\d+))?>", one, json.dumps(value)))


def varied(request, case, guest):
    request = copy.deepcopy(request)
    for pointer, value in named(case.get("set", {}), guest).items():
        holder, key = place(request, pointer)
        holder[key] = value
    for pointer, value in named(case.get("add", {}), guest).items():
        holder, key = place(request, pointer)
        holder[key].append(value)
    for pointer in case.get("remove", []):
        holder, key = place(request, pointer)
        del holder[key]
    return request


class Story:
    """A group, unrolled: [(description, kind, request, rule or None, keep)]."""

    def __init__(self, work, number, group):
        self.name = group["manifest"] + (f" {' '.join(group['options'])}" if group.get("options") else "")
        self.policy = f"{work}/policies/{number}.rego"
        self.manifest = read(f"{work}/manifests/{group['manifest']}.json")
        self.images, self.workload = read(f"{work}/images.json")["images"], group.get("workload", 0)
        self.guest = self.make_guest()
        self.requests = []
        before, after = {}, []
        start = self.guest.start()
        for case in group["cases"]:
            at = case.get("at", case.get("on", "end"))
            (after if at == "end" else before.setdefault(at, [])).append(case)
        for step in start:
            for case in before.pop(step["step"], []):
                self.ask(case, False)
            self.requests.append((step["description"], step["kind"], step["request"], None, True))
        for case in after:
            self.ask(case, True)
        if before:
            raise SystemExit(f"corpus.py: {self.name}: no step {list(before)}")

    def make_guest(self):
        found, others = workloads(self.manifest)
        return Guest(Pod(found[self.workload], others), self.images)

    def step(self, name, pod):
        guest = self.guest
        verb, container, times = re.fullmatch(r"([a-z]+)(?: ([^# ]+))?(?:#([0-9]+))?(?: .*)?", name).groups()
        if pod or times or verb == "remove":
            guest = self.make_guest()
            if pod:
                guest.pod.name, guest.pod.hostname, guest.id = pod, self.guest.pod.hostname, self.guest.id
            guest.start()
        if times:
            guest.again(container, int(times))
        elif verb == "remove":
            guest.removed(container)
        return next(s for s in reversed(guest.steps) if s["step"] == re.sub("#[0-9]+", "", name))

    def ask(self, case, keep):
        kind, request = case.get("kind"), named(case.get("request"), self.guest)
        if "on" in case:
            try:
                step = self.step(case["on"], case.get("pod"))
                kind, request = step["kind"], varied(step["request"], case, self.guest)
            except (LookupError, StopIteration, TypeError) as error:
                raise SystemExit(f"corpus.py: {self.name}: {case['says']}: {error!r}") from error
        self.requests.append((case["says"], kind, request, case.get("rule"), keep))


def stories(work):
    groups = read(f"{HERE}/cases.json")
    told = {group["manifest"] for group in groups if not group.get("workload") and not group.get("options")}
    # every manifest has its good start
    groups += [{"manifest": name, "cases": []} for name in sorted(f[:-5] for f in os.listdir(f"{work}/manifests")) if name not in told]
    return groups


# ---- verbs

def print_groups(work):
    for number, group in enumerate(stories(work)):
        print(number, group["manifest"], group.get("workload", 0), json.dumps(group.get("options", [])), sep="\t")


def lines(work):
    with open(f"{work}/lines", "w", encoding="utf-8") as out, open(f"{work}/wanted", "w", encoding="utf-8") as wanted:
        for number, group in enumerate(stories(work)):
            story = Story(work, number, group)
            out.write(json.dumps({"policy": story.policy}) + "\n")
            wanted.write(json.dumps({"story": story.name}) + "\n")
            for says, kind, request, rule, keep in story.requests:
                out.write(json.dumps({"kind": kind, "request": request, "dry": not keep, "brief": True}, ensure_ascii=False) + "\n")
                wanted.write(json.dumps({"says": says, "kind": kind, "rule": rule}) + "\n")


def reasons(answer):
    """As the guest says them: all that is printed, without the place that an engine puts before it."""
    _, brace, words = "".join(answer.get("prints", [])).partition(" {")
    refusals = json.loads(brace + words) if brace else {}
    found = list(refusals.get("reasons", []))
    for why in refusals.get("containers", {}).values():
        found += why
    return " ".join(sorted(set(found)))


def pairs(work, engine):
    with open(f"{work}/wanted", encoding="utf-8") as wanted, open(f"{work}/answers.{engine}", encoding="utf-8") as answers:
        wanted, answers = [json.loads(line) for line in wanted], [json.loads(line) for line in answers]
    if len(wanted) != len(answers):
        raise SystemExit(f"corpus.py: {engine} answered {len(answers)} of {len(wanted)}")
    return zip(wanted, answers)


def judge(work, engine):
    story, wrong, counts, number = "", [], {"allowed": 0, "refused": 0}, 0

    def tell():
        nonlocal wrong, number
        if story:
            number += 1
            print("\n".join(["not " * bool(wrong) + f"ok {number} - {engine}: {story}"] + [f"#   {text}" for text in wrong]))
        wrong = []
    for want, answer in pairs(work, engine):
        if "story" in want:
            tell()
            story = want["story"]
            wrong += [answer["error"]] if answer["error"] else []
            continue
        counts["allowed" if want["rule"] is None else "refused"] += 1
        # what is refused always says nothing
        said = "" if answer["allowed"] else answer["error"] or reasons(answer) or "never"
        if said != (want["rule"] or ""):
            wrong.append(f"{want['kind']}: {want['says']}: {said or 'allowed'}; should be: {want['rule'] or 'allowed'}")
    tell()
    print(f"1..{number}")
    print(f"# {engine}: {number} stories, {sum(counts.values())} requests, {counts['allowed']} allowed, {counts['refused']} refused")


def same(work, one, other):
    wrong = []
    for (want, first), (_, second) in zip(pairs(work, one), pairs(work, other)):
        first, second = ((answer.get("allowed"), bool(answer["error"]), reasons(answer)) for answer in (first, second))
        if first != second:
            wrong.append(f"{want.get('kind')}: {want.get('says')}: {first} {second}")
    print("\n".join(["not " * bool(wrong) + f"ok 1 - {one} and {other} say the same, line by line"] + [f"#   {text[:600]}" for text in wrong]))
    print("1..1")


def instead(work, policy):
    total = len(stories(work))
    with open(f"{work}/lines", encoding="utf-8") as file:
        for line in file:
            if line.startswith('{"policy"'):
                number = int(re.search(r"([0-9]+)\.rego", line)[1])
                # five further: several groups are of one manifest
                line = json.dumps({"policy": f"{work}/policies/{(number + 5) % total}.rego" if policy == "other" else f"{work}/{policy}.rego"})
            print(line.rstrip("\n"))


def wrong(work, policy, what):
    right, failed, stories_started, started = 0, 0, 0, False
    for want, answer in pairs(work, policy):
        if "story" in want:
            stories_started += started
            started = True
        elif (want["rule"] is None) == (what != "refused"):
            right += answer["allowed"] == (what != "refused")
            failed += answer["allowed"] != (what != "refused")
            started = started and (want["kind"] != "CreateContainerRequest" or answer["allowed"])
    stories_started += started
    good = stories_started == 0 if what == "start" else right == 0
    print("not " * (not good) + f"ok 1 - the policy '{policy}' is found out")
    print(f"# policy '{policy}': {failed} wrong, {right} right of what is to be {'refused' if what == 'refused' else 'allowed'};",
          f"{stories_started} pods would start" if what == "start" else "")


VERBS = {"groups": print_groups, "lines": lines, "judge": judge, "same": same, "instead": instead, "wrong": wrong}

if __name__ == "__main__":
    VERBS[sys.argv[1]](*sys.argv[2:])

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What a policy says of requests that are allowed, with one thing changed: every member and item of every allowed request
of the corpus, in the state that the request met.

    mutate.py lines WORK PART PARTS [all]    WORK/mutants.PART for a peer, WORK/fields.PART beside it; without `all` six changes
                                             of each kind for a field
    mutate.py judge WORK PARTS               TAP and counts: each mutant is refused, but of the fields of free.json

A leaf is changed (texts: longer, another digit at the end, empty; numbers: one more, many; booleans; null: something), a member removed, one that
nobody knows added to each message, an item of a list removed and given twice. Fields of free.json are those of which some
mutants are allowed ("may"), and why; what stands there for nothing is an error."""

import json
import re
import sys
from collections import Counter

from corpus import Story, read, stories
from corpus import HERE

MOST = 8  # percent
VALUES = 6  # changes of a field of one kind, when not all are tried


def changed(value):
    if isinstance(value, bool):
        return [not value]
    if isinstance(value, int):
        return [value + 1, value + 10**9]
    if isinstance(value, str):
        other = value[:-1] + str((int(value[-1]) + 1) % 10) if re.search("[0-9]$", value) else value + "/x"
        return [value + "x", other, ""] if value else ["x"]
    return [{}, "x"] if value is None else []


def mutants(value, path=()):
    """(path, what, what stood there, the value with one thing changed) of a value, and of all that is in it."""
    for other in changed(value):
        yield path, "changed", [value, other], other
    if isinstance(value, dict):
        yield path + ("+",), "added", None, value | {"later": 1}
        for key, member in value.items():
            yield path + (key,), "removed", member, {k: v for k, v in value.items() if k != key}
            for inner, what, old, other in mutants(member, path + (key,)):
                yield inner, what, old, value | {key: other}
    if isinstance(value, list):
        for i, item in enumerate(value):
            inside = path + (item_name(item),)
            yield inside, "removed", item, value[:i] + value[i + 1:]
            yield inside, "twice", item, value[:i + 1] + value[i:]
            for inner, what, old, other in mutants(item, inside):
                yield inner, what, old, value[:i] + [other] + value[i + 1:]


def item_name(item):
    """Mounts, namespaces, variables, options and masked paths by their names: each is a field of its own."""
    if isinstance(item, dict):
        return item.get("destination") or (item["Type"] if set(item) == {"Type", "Path"} else "*")
    if isinstance(item, str) and re.match("(--?[a-z]|[A-Z])[A-Za-z0-9_]*=", item):
        return item.split("=")[0]
    if isinstance(item, str) and item.startswith(("/proc/", "/sys/", "image_guest_pull")):
        return item.split("=")[0]
    return "*"


def field_of(kind, path):
    return kind + "".join("/" + re.sub("[0-9]+$", "N", str(key)).replace("/", "~1") for key in path)


def lines(work, part, parts, everything=None):
    tried, nodes = {}, Counter()
    with open(f"{work}/mutants.{part}", "w", encoding="utf-8") as out, open(f"{work}/fields.{part}", "w", encoding="utf-8") as fields:
        def put(line, field):
            out.write(json.dumps(line, ensure_ascii=False) + "\n")
            fields.write(json.dumps(field) + "\n")
        for number, group in enumerate(stories(work)):
            # a debugger's policy proves nothing
            if number % int(parts) != int(part) or "debug" in group.get("options", []):
                continue
            story = Story(work, number, group)
            put({"policy": story.policy}, None)
            for _, kind, request, rule, keep in story.requests:
                for path, what, old, mutant in mutants(request) if rule is None else []:
                    field = field_of(kind, path)
                    nodes[field] += what == "removed"
                    values, old = tried.setdefault((field, what), set()), json.dumps(old)
                    if everything or old not in values and len(values) < VALUES:
                        values.add(old)
                        put({"kind": kind, "request": mutant, "dry": True, "brief": True}, [number, field, what])
                if keep:
                    put({"kind": kind, "request": request, "brief": True}, None)
    with open(f"{work}/nodes.{part}", "w", encoding="utf-8") as file:
        json.dump(nodes, file)


def count(work, parts):
    """Members and items of all allowed requests, and how many of them are of a field that is free to change."""
    free = [one["field"] for one in read(f"{HERE}/free.json") if "changed" in one["may"]]
    for kinds in ("(CreateSandbox|CreateContainer|ExecProcess)Request", "[A-Za-z]+"):
        all_of, open_of = 0, 0
        for part in range(int(parts)):
            for field, number in read(f"{work}/nodes.{part}").items():
                if re.fullmatch(kinds, field.split("/")[0]):
                    all_of += number
                    open_of += number * any(re.fullmatch(one, field) for one in free)
        yield all_of, open_of * 100 / all_of


def judge(work, parts):
    free = read(f"{HERE}/free.json")
    used, slipped, fields, counts = set(), {}, set(), [0, 0]
    for part in range(int(parts)):
        with open(f"{work}/fields.{part}", encoding="utf-8") as asked, open(f"{work}/mutated.{part}", encoding="utf-8") as answers:
            for field, answer in zip(map(json.loads, asked), map(json.loads, answers), strict=True):
                if not field:
                    continue
                story, name, what = field
                fields.add(name)
                counts[0] += 1
                counts[1] += not answer["allowed"]
                if answer["allowed"]:
                    why = [i for i, one in enumerate(free) if what in one["may"] and re.fullmatch(one["field"], name)]
                    used.update(why)
                    if not why:
                        slipped[name, what] = story
    stale = [one["field"] for i, one in enumerate(free) if i not in used]
    (what_runs, share), (everything, share_of_all) = count(work, parts)
    print("\n".join(["not " * bool(slipped) + "ok 1 - every mutant is refused, but of the fields that are free"] +
                    [f"#   {field} {what} (story {story})" for (field, what), story in sorted(slipped.items())]))
    print("\n".join(["not " * bool(stale) + "ok 2 - and those are free indeed"] + [f"#   {field}" for field in stale]))
    print("not " * (share > MOST) + f"ok 3 - they are at most {MOST} % of what says what runs")
    print("1..3")
    print(f"# {len(fields)} fields by name, {counts[0]} mutants, {counts[1]} refused, {counts[0] - counts[1]} of {len(free)} exceptions")
    print(f"# sandboxes, containers and execs have {what_runs} members and items, {share:.1f} % of them free to change;",
          f"all allowed requests {everything}, {share_of_all:.1f} %")


if __name__ == "__main__":
    {"lines": lines, "judge": judge}[sys.argv[1]](*sys.argv[2:])

/* SPDX-License-Identifier: Apache-2.0 */
/* The guest's registry configuration: where a reference is pulled from (image-trust.md, 5). */
#include "base/err.h"
#include "codec/json.h"
#include "policy/guest_own.h"

#include <stdio.h>
#include <string.h>

#define RULES_MAX 1000
#define TEXT_MAX  1024
#define PATH_LEN  64

/* One [[registry]]. */
struct rule {
	const char *prefix, *location;
	bool insecure, blocked;
	json_t *mirrors;
};

static int text_fits(const char *text, const char *path, struct err *err)
{
	return strlen(text) < TEXT_MAX ? 0
				       : err_set(err, ERR_LIMIT, "'%s' has a text of more than %d bytes",
							 path, TEXT_MAX - 1);
}

static int read_mirror(const json_t *mirror, const char *path, const char **location, bool *insecure,
		struct err *err)
{
	*location = "";
	*insecure = false;
	if (!json_is_object(mirror))
		return err_set(err, ERR_FORMAT, "'%s' must be a table", path);
	if (json_get_text(mirror, path, "location", location, err) < 0 ||
			json_opt_bool(mirror, path, "insecure", insecure, err) < 0 ||
			text_fits(*location, path, err) < 0)
		return -1;
	if (!**location)
		return err_set(err, ERR_FORMAT, "'%s': illegal Registry Config: mirror location is empty",
				path);
	return 0;
}

static int check_mirrors(const struct rule *rule, const char *path, struct err *err)
{
	const json_t *mirror;
	size_t i;

	json_array_foreach (rule->mirrors, i, mirror) {
		const char *location;
		char at[2 * PATH_LEN];
		bool insecure;

		snprintf(at, sizeof(at), "%s.mirror[%zu]", path, i);
		if (read_mirror(mirror, at, &location, &insecure, err) < 0)
			return -1;
	}
	return 0;
}

static int read_rule(const json_t *table, size_t i, struct rule *out, struct err *err)
{
	struct rule rule = { .prefix = "", .location = "" };
	char path[PATH_LEN];

	snprintf(path, sizeof(path), "registry[%zu]", i);
	if (!json_is_object(table))
		return err_set(err, ERR_FORMAT, "'%s' must be a table", path);
	if (json_opt_text(table, path, "prefix", &rule.prefix, err) < 0 ||
			json_opt_text(table, path, "location", &rule.location, err) < 0 ||
			json_opt_bool(table, path, "insecure", &rule.insecure, err) < 0 ||
			json_opt_bool(table, path, "blocked", &rule.blocked, err) < 0 ||
			json_opt_array(table, path, "mirror", GUEST_TASKS_MAX, &rule.mirrors, err) < 0)
		return -1;
	if (text_fits(rule.prefix, path, err) < 0 || text_fits(rule.location, path, err) < 0)
		return -1;
	if (!*rule.prefix && !*rule.location)
		return err_set(err, ERR_FORMAT,
				"'%s': illegal Registry Config: both location and prefix are empty", path);
	if (!*rule.prefix)
		rule.prefix = rule.location;
	if (span_starts(span_of(rule.prefix), "*.") && !*rule.location)
		return err_set(err, ERR_FORMAT,
				"'%s': illegal Registry Config: location is unset and prefix is with "
				"wildcard",
				path);
	if (check_mirrors(&rule, path, err) < 0)
		return -1;
	*out = rule;
	return 0;
}

/* ---- which rule ---- */

/*
 * Where the match ends, 0 for none. The prefix is searched for anywhere in the reference, not only at its start: "example.com/foo"
 * is found in evil-example.com/foo/x too, and everything before its end is replaced. Its first occurrence alone counts.
 */
static size_t match_end(const char *reference, const char *prefix)
{
	bool wild = span_starts(span_of(prefix), "*.");
	const char *wanted = wild ? prefix + 1 : prefix;
	const char *at = strstr(reference, wanted);

	if (!at || (wild && memchr(reference, '/', (size_t)(at - reference))))
		return 0;
	at += strlen(wanted);
	return !*at || strchr(":/@", *at) ? (size_t)(at - reference) : 0;
}

/* Of several with the same end, the last. */
static int find_rule(
		const json_t *rules, const char *reference, struct rule *out, size_t *end, struct err *err)
{
	const json_t *table;
	size_t i;

	*end = 0;
	json_array_foreach (rules, i, table) {
		struct rule rule = { .prefix = "", .location = "" };

		if (read_rule(table, i, &rule, err) < 0)
			return -1;
		size_t found = match_end(reference, rule.prefix);
		if (found && found >= *end) {
			*end = found;
			*out = rule;
		}
	}
	return 0;
}

/* ---- tasks ---- */

struct tasks {
	struct guest_task *items;
	size_t count;
};

static int add(struct tasks *tasks, const struct oci_name *name, bool plain_http, struct err *err)
{
	if (tasks->count == GUEST_TASKS_MAX)
		return err_set(err, ERR_LIMIT, "the guest would try more than %d places", GUEST_TASKS_MAX);
	tasks->items[tasks->count++] = (struct guest_task){ .name = *name, .plain_http = plain_http };
	return 0;
}

/* A location in front of what the match left. */
static int add_at(
		struct tasks *tasks, const char *location, const char *rest, bool plain_http, struct err *err)
{
	char text[TEXT_MAX + OCI_NAME_MAX];
	struct oci_name name;

	snprintf(text, sizeof(text), "%s%s", location, rest);
	if (guest_reference(text, &name, err) < 0)
		return err_wrap(err,
				"failed to compose a legal image reference with given registry "
				"configuration: "
				"'%.200s'",
				text);
	return add(tasks, &name, plain_http, err);
}

/* Mirrors, then the location or the reference itself. `insecure` of a rule without location has no effect. */
static int add_by_rules(
		struct tasks *tasks, const json_t *rules, const struct oci_name *name, struct err *err)
{
	char reference[OCI_NAME_MAX];
	struct rule rule = { .prefix = "", .location = "" };
	const json_t *mirror;
	size_t end, i;

	oci_name_format(name, reference);
	if (find_rule(rules, reference, &rule, &end, err) < 0)
		return -1;
	if (!end)
		return add(tasks, name, false, err);
	if (rule.blocked)
		return 0;
	json_array_foreach (rule.mirrors, i, mirror) {
		const char *location;
		bool insecure;

		if (read_mirror(mirror, "mirror", &location, &insecure, err) < 0 ||
				add_at(tasks, location, reference + end, insecure, err) < 0)
			return -1;
	}
	if (!*rule.location)
		return add(tasks, name, false, err);
	return add_at(tasks, rule.location, reference + end, rule.insecure, err);
}

/* docker.io's image at another registry: without library/, and with a tag or else a digest, never both. */
static int elsewhere(const struct oci_name *name, const char *registry, struct oci_name *out, struct err *err)
{
	struct oci_name moved = *name;
	const char *repository = name->repository;

	if (strlen(registry) >= sizeof(moved.host))
		return err_set(err, ERR_LIMIT, "a registry to search has more than %zu bytes",
				sizeof(moved.host) - 1);
	if (span_starts(span_of(repository), OCI_LIBRARY))
		repository += strlen(OCI_LIBRARY);
	snprintf(moved.host, sizeof(moved.host), "%s", registry);
	snprintf(moved.repository, sizeof(moved.repository), "%s", repository);
	if (moved.tag[0])
		moved.digest[0] = '\0';
	*out = moved;
	return 0;
}

/* Every reference at docker.io, explicit or not, stands for all registries to search. */
static int add_searched(struct tasks *tasks, const json_t *rules, const json_t *searched,
		const struct oci_name *name, struct err *err)
{
	const json_t *registry;
	size_t i;

	json_array_foreach (searched, i, registry) {
		const char *host = json_string_value(registry);
		struct oci_name there = *name;

		if (strcmp(host, OCI_HUB) != 0 && elsewhere(name, host, &there, err) < 0)
			return -1;
		if (add_by_rules(tasks, rules, &there, err) < 0)
			return -1;
	}
	return 0;
}

int guest_tasks(const json_t *registries, const struct oci_name *name, struct guest_task *out, size_t *count,
		struct err *err)
{
	struct tasks tasks = { .items = out, .count = 0 };
	json_t *rules = NULL, *searched = NULL;
	char reference[OCI_NAME_MAX];
	struct rule rule;
	size_t end;

	oci_name_format(name, reference);
	if (json_opt_array(registries, "", "registry", RULES_MAX, &rules, err) < 0 ||
			json_opt_texts(registries, "", "unqualified-search-registries", GUEST_TASKS_MAX,
					&searched, err) < 0)
		return -1;
	/* what is wrong in any rule makes the file unusable, hit or not */
	if (find_rule(rules, reference, &rule, &end, err) < 0)
		return -1;
	if (searched && strcmp(name->host, OCI_HUB) == 0) {
		if (add_searched(&tasks, rules, searched, name, err) < 0)
			return -1;
	} else if (add_by_rules(&tasks, rules, name, err) < 0) {
		return -1;
	}
	if (!tasks.count)
		return err_set(err, ERR_DENIED, "Image %s is blocked by registry rule.", reference);
	*count = tasks.count;
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* What the guest's image client would load before its first pull (initdata.md, 3.4; image-trust.md, 2.1, 3.2, 5). */
#include "base/err.h"
#include "base/own.h"
#include "codec/json.h"
#include "codec/toml.h"
#include "codec/yaml.h"
#include "kbs/uri.h"
#include "policy/guest_own.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define SAY_MAX    4096

#define BAD_POLICY "Image Client error: Initialize signature validator failed: Invalid image policy file"
#define BAD_SIGSTORE \
	"Image Client error: Initialize signature validator failed: Invalid simple signing sigstore config"

enum guest_verdict guest_say(struct buf *why, enum guest_verdict verdict, const char *fmt, ...)
{
	size_t room = why->max - why->len;
	char line[SAY_MAX];
	va_list args;
	int len;

	va_start(args, fmt);
	len = vsnprintf(line, sizeof(line), fmt, args);
	va_end(args);
	if (len < 0 || room < sizeof("; ...") || why->over)
		return verdict;
	if (why->len)
		buf_puts(why, "; ");
	room = why->max - why->len;
	if (room >= sizeof(line))
		room = sizeof(line) - 1;
	if ((size_t)len > room)
		memcpy(line + room - 3, "...", sizeof("..."));
	span_tidy(line, strlen(line));
	buf_puts(why, line);
	return verdict;
}

/* ---- resources ---- */

static bool is_same(const char *listed, const char *wanted)
{
	struct kbs_uri a, b;

	if (strcmp(listed, wanted) == 0)
		return true;
	return kbs_uri_parse(span_of(listed), &a, NULL) == 0 &&
			kbs_uri_parse(span_of(wanted), &b, NULL) == 0 && kbs_uri_is_same(&a, &b);
}

const char *guest_resource(const struct policy_guest *settings, const char *uri)
{
	const json_t *resource;
	size_t i;

	json_array_foreach (settings ? settings->resources : NULL, i, resource) {
		const char *listed = json_text_at(resource, "uri", NULL);

		if (listed && is_same(listed, uri))
			return json_text_at(resource, "text", NULL);
	}
	return NULL;
}

/* The text of a URI or the inline one; the URI wins. False: it is not known. */
static bool choose(const struct policy_guest *listed, const char *uri, const char *text, const char **out)
{
	*out = uri ? guest_resource(listed, uri) : text;
	return !uri || *out;
}

/* ---- the three documents ---- */

static enum guest_verdict load_policy(const struct policy_guest *listed, const struct guest_view *view,
		struct guest_settings *out, struct buf *why)
{
	const char *text = listed ? listed->policy : NULL;
	struct err err = ERR_NONE;

	if (!text && !view)
		return guest_say(why, GUEST_UNKNOWN,
				"the pod has no init-data: what policy its guest has is not known");
	if (!text && !view->image)
		return guest_say(why, GUEST_UNKNOWN,
				"the init-data has no [image] table in cdh.toml: the guest takes its policy "
				"from "
				"the kernel command line, which the host writes");
	if (!text && !choose(listed, view->policy_uri, view->policy, &text))
		return guest_say(why, GUEST_UNKNOWN,
				"the guest's policy is %s, which spec.guest.resources does not list",
				view->policy_uri);
	out->checks = text != NULL;
	if (text && guest_policy_parse(span_of(text), &out->policy, &err) < 0)
		return guest_say(why, GUEST_REFUSES,
				BAD_POLICY ": the guest refuses every image with this policy.json: %s",
				err.text);
	return GUEST_ACCEPTS;
}

/* Only the old key `sigstore` is known: an entry with `lookaside` alone is a parse error. */
static int check_entry(const json_t *object, const char *path, const char *key, struct err *err)
{
	const json_t *entry = json_object_get(object, key);
	const char *url = NULL;

	if (!entry || json_is_null(entry))
		return 0;
	if (!json_is_object(entry))
		return err_set(err, ERR_FORMAT, "'%.200s' must be a mapping with 'sigstore'", key);
	if (json_get_text(entry, path, "sigstore", &url, err) < 0)
		return err_wrap(err, "'%.200s' (the guest knows the key 'sigstore' alone, not 'lookaside')",
				key);
	return 0;
}

static int parse_sigstore(const char *text, json_t **out, struct err *err)
{
	auto_json json_t *json = NULL;
	json_t *docker = NULL, *entry;
	const char *scope;

	if (yaml_read_one(span_of(text), GUEST_POLICY_MAX, &json, err) < 0)
		return -1;
	if (!json_is_object(json))
		return err_set(err, ERR_FORMAT, "must be a mapping");
	if (check_entry(json, "default-docker", "default-docker", err) < 0 ||
			json_opt_object(json, "", "docker", &docker, err) < 0)
		return -1;
	json_object_foreach (docker, scope, entry)
		if (json_is_null(entry) || check_entry(docker, scope, scope, err) < 0)
			return err->kind ? -1 : err_set(err, ERR_FORMAT, "'%.200s' is empty", scope);
	*out = take(&json);
	return 0;
}

/* Read with the policy, and an error in it refuses every image, signedBy or not. */
static enum guest_verdict load_sigstore(const struct policy_guest *listed, const struct guest_view *view,
		struct guest_settings *out, struct buf *why)
{
	const char *text = NULL;
	struct err err = ERR_NONE;

	out->sigstore_known =
			view && view->image && choose(listed, view->sigstore_uri, view->sigstore, &text);
	if (view && view->image)
		out->sigstore_uri = view->sigstore_uri;
	if (out->checks && text && parse_sigstore(text, &out->sigstore, &err) < 0)
		return guest_say(why, GUEST_REFUSES, BAD_SIGSTORE ": %s", err.text);
	return GUEST_ACCEPTS;
}

/* The inline table wins over the URI, unlike the two above. */
static enum guest_verdict load_registries(const struct policy_guest *listed, const struct guest_view *view,
		struct guest_settings *out, struct buf *why)
{
	const char *text = NULL;
	struct err err = ERR_NONE;

	if (!view || (!view->registries && !view->registries_uri))
		return GUEST_ACCEPTS;
	if (view->registries) {
		out->registries = json_incref(view->registries);
		return GUEST_ACCEPTS;
	}
	if (!choose(listed, view->registries_uri, NULL, &text))
		return guest_say(why, GUEST_UNKNOWN,
				"the guest's registry configuration is %s, which spec.guest.resources does "
				"not list",
				view->registries_uri);
	if (toml_parse(span_of(text), GUEST_POLICY_MAX, &out->registries, &err) < 0)
		return guest_say(why, GUEST_REFUSES, "the guest cannot read its registry configuration: %s",
				err.text);
	return GUEST_ACCEPTS;
}

enum guest_verdict guest_settings_load(const struct policy_guest *listed, const struct guest_view *view,
		struct guest_settings *out, struct buf *why)
{
	enum guest_verdict verdict;

	*out = (struct guest_settings){ .listed = listed };
	verdict = load_policy(listed, view, out, why);
	if (verdict == GUEST_ACCEPTS)
		verdict = load_sigstore(listed, view, out, why);
	if (verdict == GUEST_ACCEPTS)
		verdict = load_registries(listed, view, out, why);
	if (verdict != GUEST_ACCEPTS)
		guest_settings_clear(out);
	return verdict;
}

void guest_settings_clear(struct guest_settings *settings)
{
	guest_policy_clear(&settings->policy);
	json_decref(settings->sigstore);
	json_decref(settings->registries);
	*settings = (struct guest_settings){ .checks = false };
}

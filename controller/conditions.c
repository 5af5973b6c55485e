/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/conditions.h"

#include "base/b64.h"
#include "base/buf.h"
#include "base/own.h"
#include "codec/json.h"
#include "kube/patch.h"

#include <stdio.h>
#include <string.h>

#define INJECTED_ELSEWHERE "cert-manager.io/inject-ca-from"
#define EXPRESSION_MAX     65536

/* The expression with its list of class names replaced by ours; false when it has none. */
static bool rewrite(const char *expression, const json_t *classes, struct buf *out)
{
	const char *from = strstr(expression, "in [");
	const char *to = from ? strchr(from, ']') : NULL;
	size_t i;
	json_t *name;

	if (!to)
		return false;
	buf_add(out, expression, (size_t)(from - expression));
	buf_puts(out, "in [");
	json_array_foreach (classes, i, name) {
		/* as JSON, which is how CEL writes strings too */
		auto_free char *text = json_dumps(name, JSON_ENCODE_ANY);
		buf_printf(out, "%s%s", i ? ", " : "", text);
	}
	buf_puts(out, to);
	return !out->over;
}

static void patch_condition(json_t *patch, const char *webhook, size_t index, const json_t *condition,
		const json_t *classes)
{
	const char *name = json_text_at(condition, "name", NULL);
	const char *expression = json_text_at(condition, "expression", NULL);
	struct buf now = BUF_MAX(EXPRESSION_MAX);
	char number[24];

	if (name && expression && !strcmp(name, CONDITIONS_NAME) && rewrite(expression, classes, &now) &&
			strcmp(expression, buf_text(&now)) != 0) {
		snprintf(number, sizeof(number), "%zu", index);
		patch_replace(patch, json_string(buf_text(&now)), "webhooks", webhook, "matchConditions",
				number, "expression", NULL);
	}
	buf_clear(&now);
}

static void patch_webhook(
		json_t *patch, size_t index, const json_t *webhook, const char *bundle, const json_t *classes)
{
	const char *have = json_text_at(webhook, "clientConfig", "caBundle", NULL);
	char number[24];
	size_t i;
	json_t *condition;

	snprintf(number, sizeof(number), "%zu", index);
	if (bundle[0] && (!have || strcmp(have, bundle) != 0))
		patch_add(patch, json_string(bundle), "webhooks", number, "clientConfig", "caBundle", NULL);
	json_array_foreach (json_object_get(webhook, "matchConditions"), i, condition)
		patch_condition(patch, number, i, condition, classes);
}

json_t *conditions_patch(const json_t *configuration, struct span bundle, const json_t *classes)
{
	auto_json json_t *changes = json_array();
	json_t *patch = json_array();
	struct buf text = BUF_MAX(1 << 20);
	size_t i;
	json_t *webhook;

	/* where cert-manager's injector was told to keep the bundle, it is not ours */
	if (bundle.len && !json_text_at(configuration, "metadata", "annotations", INJECTED_ELSEWHERE, NULL))
		b64_encode(&text, bundle);
	json_array_foreach (json_object_get(configuration, "webhooks"), i, webhook)
		patch_webhook(changes, i, webhook, buf_text(&text), classes);
	buf_clear(&text);
	const char *version = json_text_at(configuration, "metadata", "resourceVersion", NULL);
	if (json_array_size(changes) && version) {
		patch_test(patch, json_string(version), "metadata", "resourceVersion", NULL);
		json_array_extend(patch, changes);
	}
	return patch;
}

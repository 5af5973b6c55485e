/* SPDX-License-Identifier: Apache-2.0 */
#include "kube/selector.h"

#include "base/err.h"
#include "codec/json.h"
#include "kube/name.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define PLACE_MAX 512

static int check_key(const char *place, const char *key, struct err *err)
{
	if (name_is_label_key(span_of(key)))
		return 0;
	return err_set(err, ERR_FORMAT, "%s: '%.80s' is not a label key ([domain/]name)", place, key);
}

static int check_value(const char *place, const char *value, struct err *err)
{
	if (name_is_label_value(span_of(value)))
		return 0;
	return err_set(err, ERR_FORMAT,
			"%s: '%.80s' is not a label value (at most 63 of A-Z a-z 0-9 - _ ., alphanumeric at "
			"both ends)",
			place, value);
}

static int check_labels(json_t *labels, const char *place, struct err *err)
{
	const char *key = NULL;
	json_t *value = NULL;

	json_object_foreach (labels, key, value) {
		if (check_key(place, key, err) < 0)
			return -1;
		if (!json_is_string(value))
			return err_set(err, ERR_FORMAT, "%s[\"%s\"]: must be text", place, key);
		if (check_value(place, json_string_value(value), err) < 0)
			return -1;
	}
	return 0;
}

static bool takes_values(const char *operator)
{
	return !strcmp(operator, "In") || !strcmp(operator, "NotIn");
}

static int check_values(const char *place, const char *operator, const json_t * values, struct err *err)
{
	size_t i = 0;
	json_t *value = NULL;

	if (!takes_values(operator) && strcmp(operator, "Exists") != 0 &&
			strcmp(operator, "DoesNotExist") != 0)
		return err_set(err, ERR_FORMAT,
				"%s.operator: '%.40s' is not In, NotIn, Exists or DoesNotExist",
				place, operator);
	if (takes_values(operator) && !json_array_size(values))
		return err_set(err, ERR_FORMAT, "%s.values: %s needs at least one value", place, operator);
	if (!takes_values(operator) && json_array_size(values))
		return err_set(err, ERR_FORMAT, "%s.values: %s takes none", place, operator);
	json_array_foreach (values, i, value)
		if (check_value(place, json_string_value(value), err) < 0)
			return -1;
	return 0;
}

static int check_expression(const json_t *expression, const char *place, struct err *err)
{
	static const char *const known[] = { "key", "operator", "values", NULL };
	const char *key = NULL, *operator= NULL;
	json_t *values = NULL;

	if (json_only_keys(expression, place, known, err) < 0 ||
			json_get_text(expression, place, "key", &key, err) < 0 ||
			json_get_text(expression, place, "operator", &operator, err) < 0 ||
			json_opt_texts(expression, place, "values", SELECTOR_VALUES_MAX, &values, err) < 0 ||
			check_key(place, key, err) < 0)
		return -1;
	return check_values(place, operator, values, err);
}

int selector_parse(json_t *object, const char *path, struct selector *out, struct err *err)
{
	static const char *const known[] = { "matchLabels", "matchExpressions", NULL };
	json_t *labels = NULL, *expressions = NULL, *expression = NULL;
	char place[PLACE_MAX];
	size_t i = 0;

	/* what an absent selector means is not for us to say */
	if (!json_is_object(object))
		return err_set(err, ERR_FORMAT, "%s: must be an object", path);
	if (json_only_keys(object, path, known, err) < 0 ||
			json_opt_object(object, path, "matchLabels", &labels, err) < 0 ||
			json_opt_array(object, path, "matchExpressions", SELECTOR_REQUIREMENTS_MAX,
					&expressions, err) < 0)
		return -1;
	if (json_object_size(labels) + json_array_size(expressions) > SELECTOR_REQUIREMENTS_MAX)
		return err_set(err, ERR_LIMIT, "%s: more than %d requirements", path,
				SELECTOR_REQUIREMENTS_MAX);
	snprintf(place, sizeof(place), "%s%smatchLabels", path, *path ? "." : "");
	if (check_labels(labels, place, err) < 0)
		return -1;
	json_array_foreach (expressions, i, expression) {
		snprintf(place, sizeof(place), "%s%smatchExpressions[%zu]", path, *path ? "." : "", i);
		if (check_expression(expression, place, err) < 0)
			return -1;
	}
	out->source = json_incref(object);
	return 0;
}

void selector_clear(struct selector *selector)
{
	json_decref(selector->source);
	selector->source = NULL;
}

static bool is_among(const json_t *values, const char *text)
{
	size_t i = 0;
	json_t *value = NULL;

	json_array_foreach (values, i, value)
		if (!strcmp(json_string_value(value), text))
			return true;
	return false;
}

static bool expression_holds(const json_t *expression, const json_t *labels)
{
	const char *label = json_text_at(labels, json_text_at(expression, "key", NULL), NULL);
	const char *operator= json_text_at(expression, "operator", NULL);
	const json_t *values = json_object_get(expression, "values");

	if (!strcmp(operator, "In"))
		return label && is_among(values, label);
	if (!strcmp(operator, "NotIn"))
		return !label || !is_among(values, label);
	return !strcmp(operator, "Exists") ? label != NULL : !label;
}

bool selector_matches(const struct selector *selector, const json_t *labels)
{
	json_t *wanted = json_object_get(selector->source, "matchLabels");
	const json_t *expressions = json_object_get(selector->source, "matchExpressions");
	const char *key = NULL;
	json_t *value = NULL;
	size_t i = 0;

	if (!selector->source)
		return false;
	json_object_foreach (wanted, key, value) {
		const char *label = json_text_at(labels, key, NULL);
		if (!label || strcmp(label, json_string_value(value)) != 0)
			return false;
	}
	json_array_foreach (expressions, i, value)
		if (!expression_holds(value, labels))
			return false;
	return true;
}

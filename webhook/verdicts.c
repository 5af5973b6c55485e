/* SPDX-License-Identifier: Apache-2.0 */
#include "webhook/verdicts.h"

#include "base/alloc.h"
#include "base/own.h"
#include "codec/json.h"

#include <stdio.h>
#include <string.h>

void verdicts_init(struct verdicts *v)
{
	*v = (struct verdicts){ .rows = xcalloc(VERDICTS_POLICIES + 1, sizeof(*v->rows)) };
	pthread_mutex_init(&v->lock, NULL);
}

void verdicts_clear(struct verdicts *v)
{
	free(v->rows);
	v->rows = NULL;
	pthread_mutex_destroy(&v->lock);
}

static struct verdict_row *row_of(struct verdicts *v, const char *policy)
{
	size_t i = 0;

	while (i < v->count && i < VERDICTS_POLICIES && strcmp(v->rows[i].policy, policy) != 0)
		i++;
	struct verdict_row *row = &v->rows[i];
	if (i == v->count) {
		snprintf(row->policy, sizeof(row->policy), "%s",
				i < VERDICTS_POLICIES ? policy : VERDICTS_OTHER);
		v->count++;
	}
	return row;
}

void verdicts_add(struct verdicts *v, const char *policy, enum gate_verdict verdict)
{
	pthread_mutex_lock(&v->lock);
	row_of(v, policy)->counts[verdict]++;
	pthread_mutex_unlock(&v->lock);
}

size_t verdicts_copy(struct verdicts *v, struct verdict_row **out)
{
	pthread_mutex_lock(&v->lock);
	size_t count = v->count;
	*out = xcalloc(count + 1, sizeof(**out));
	memcpy(*out, v->rows, count * sizeof(**out));
	pthread_mutex_unlock(&v->lock);
	return count;
}

char *verdicts_text(struct verdicts *v)
{
	auto_free struct verdict_row *rows = NULL;
	size_t count = verdicts_copy(v, &rows);
	auto_json json_t *all = json_object();

	for (size_t i = 0; i < count && i < VERDICTS_POLICIES; i++) {
		json_t *counts = json_array();
		for (unsigned k = 0; k < VERDICT_KINDS; k++)
			json_array_append_new(counts, json_integer((json_int_t)rows[i].counts[k]));
		json_object_set_new(all, rows[i].policy, counts);
	}
	return json_text(all, false);
}

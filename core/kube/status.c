/* SPDX-License-Identifier: Apache-2.0 */
#include "kube/client.h"

#include "base/err.h"
#include "codec/json.h"

#define RETRY_AFTER_MAX 3600

static enum err_kind kind_of(int status)
{
	switch (status) {
	case 401:
		return ERR_AUTH;
	case 404:
		return ERR_NOT_FOUND;
	case 409:
	case 410:
		return ERR_CONFLICT;
	case 408:
	case 429:
		return ERR_RETRY;
	default:
		break;
	}
	if (status >= 500)
		return ERR_RETRY;
	return status >= 400 ? ERR_DENIED : ERR_FORMAT;
}

int kube_status_error(int status, const json_t *body, struct err *err)
{
	const char *reason = json_text_at(body, "reason", NULL),
		   *message = json_text_at(body, "message", NULL);
	const json_t *after = json_at(body, "details", "retryAfterSeconds", NULL);
	json_int_t seconds = json_is_integer(after) ? json_integer_value(after) : 0;

	(void)err_set(err, kind_of(status), "HTTP %d%s%s%s%s", status, reason && *reason ? " " : "",
			reason ? reason : "", message && *message ? ": " : "", message ? message : "");
	if (err && seconds > 0)
		err->retry_after = seconds < RETRY_AFTER_MAX ? (int)seconds : RETRY_AFTER_MAX;
	return -1;
}

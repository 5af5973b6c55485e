/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of core/kms share; nobody else includes this, but for tests.
 *
 * A provider is a table: the settings that it reads, and up to three functions. Each function builds one request,
 * sends it through kms_ask() and reads the answer; it is run a second time when the connection broke, so that nonces
 * and times are fresh then.
 */
#ifndef COCOON_KMS_KMS_OWN_H
#define COCOON_KMS_KMS_OWN_H

#include "base/buf.h"
#include "base/err.h"
#include "kms/kms.h"
#include "net/http.h"

/* A secret of SECRET_MAX bytes as JSON, where a byte may take four and a half. */
#define KMS_ANSWER_MAX  ((size_t)320 * 1024)
#define KMS_REQUEST_MAX ((size_t)512 * 1024)

struct kms_setting {
	const char *name; /* a required text of provider_settings; NULL ends the list */
	int (*check)(const char *value, struct err *err);
};

struct kms_provider {
	const char *name;
	const char *client_type;            /* NULL: there are no kinds */
	const struct kms_setting *settings; /* in alphabetical order, client_type among them */
	int (*decrypt)(struct kms *kms, const char *key_id, struct span cipher, const json_t *annotations,
			struct secret *plain, struct err *err);
	int (*encrypt)(struct kms *kms, const char *key_id, const struct secret *plain, struct buf *cipher,
			json_t **annotations, struct err *err);
	int (*get_secret)(struct kms *kms, const char *name, const json_t *annotations, struct secret *out,
			struct err *err);
};

extern const struct kms_provider kms_aliyun_client_key, kms_aliyun_sts_token, kms_aliyun_ecs_ram_role,
		kms_aws, kms_ehsm;

struct kms {
	const struct kms_provider *provider;
	json_t *settings; /* the texts that the provider reads, and no others */
	char *folder;
	char *guest_root;
	char *endpoint; /* these three may be NULL */
	char *metadata;
	char *ca_file;
	const struct clock *clock;
	void (*random)(void *out, size_t len);
	int64_t deadline; /* of the operation that runs, by the clock's mono */
	bool broken;      /* its connection broke */
};

/* The value of a setting that is in the provider's list. */
const char *kms_setting(const struct kms *kms, const char *name) __attribute__((nonnull, returns_nonnull));

/* ---- kms_text.c: texts ---- */

/* Checks of values that end up in file names and host names, in header fields, in the names of hosts alone. */
int kms_check_identifier(const char *value, struct err *err) __attribute__((nonnull(1), warn_unused_result));
int kms_check_field(const char *value, struct err *err) __attribute__((nonnull(1), warn_unused_result));
int kms_check_region(const char *value, struct err *err) __attribute__((nonnull(1), warn_unused_result));
/* Any text: what it may be is seen when it is used. */
int kms_check_nothing(const char *value, struct err *err) __attribute__((nonnull(1), warn_unused_result));

/*
 * A text member of an object, which may be NULL and is then empty. The plain form demands it; _opt leaves *out as it
 * was when it is absent. null is no text. `place` is for messages: "annotations".
 */
int kms_get_text(const json_t *object, const char *place, const char *name, const char **out, struct err *err)
		__attribute__((nonnull(2, 3, 4), warn_unused_result));
int kms_opt_text(const json_t *object, const char *place, const char *name, const char **out, struct err *err)
		__attribute__((nonnull(2, 3, 4), warn_unused_result));

/* The annotations of a secret that has versions: version_stage and version_id, "" when absent. ERR_USAGE. */
int kms_versions(const json_t *annotations, const char **stage, const char **version, struct err *err)
		__attribute__((nonnull(2, 3), warn_unused_result));

/* err's kind becomes ERR_USAGE: what was wrong came from our caller. Returns -1. */
int kms_blame_caller(struct err *err);

/* What base64 text stands for, at least one byte; `what` is for messages. */
int kms_secret_of_b64(const char *text, const char *what, struct secret *out, struct err *err)
		__attribute__((nonnull(1, 2, 3), warn_unused_result));

/* Append "name":"…", the text escaped as JSON wants it, or bytes as base64. */
void kms_put_text(struct buf *out, const char *name, const char *text) __attribute__((nonnull));
void kms_put_b64(struct buf *out, const char *name, struct span bytes) __attribute__((nonnull));

#define KMS_DATE_MAX 40

/* A time of the clock: "Thu, 01 Jan 2026 00:00:00 GMT" (RFC 9110, 5.6.7) and "20260101T000000Z". Both return out. */
const char *kms_date(int64_t wall, char out[static KMS_DATE_MAX]) __attribute__((nonnull));
const char *kms_date_basic(int64_t wall, char out[static KMS_DATE_MAX]) __attribute__((nonnull));

/* ---- kms_file.c: credentials ---- */

/* The file of this name in the provider's folder: as it is; as JSON, of which get reads text members; a CA's. */
int kms_file(const struct kms *kms, const char *name, struct secret *out, struct err *err)
		__attribute__((nonnull(1, 2, 3), warn_unused_result));
int kms_file_json(const struct kms *kms, const char *name, json_t **out, struct err *err)
		__attribute__((nonnull(1, 2, 3), warn_unused_result));
int kms_file_ca(const struct kms *kms, const char *name, struct buf *out, struct err *err)
		__attribute__((nonnull(1, 2, 3), warn_unused_result));

/* The file at an absolute path of a sealed secret's choice, which must lie below the guest's folder. */
int kms_file_below(const struct kms *kms, const char *path, struct secret *out, struct err *err)
		__attribute__((nonnull(1, 2, 3), warn_unused_result));

/* ---- kms_ask.c: the HTTP helper ---- */

struct kms_ask {
	const char *method;
	const char *url;
	const char *const *headers; /* NULL-terminated */
	const char *bearer;
	struct span body;
	struct span ca; /* trusted alone; empty: the option ca_file, and without it the system's roots */
	bool ca_adds;   /* ca is trusted beside those */
	bool plain;     /* http:// to other machines is allowed */
};

/* Any status is a success here; the answer's room is wiped when it goes (auto_wiped_response). */
int kms_ask(struct kms *kms, const struct kms_ask *ask, struct http_response *answer, struct err *err)
		__attribute__((nonnull(1, 2, 3), warn_unused_result));

/* What a service says about its refusal; empty where it does not. */
struct kms_refusal {
	struct span code;
	struct span message;
	struct span request_id;
};

/* Fails: ERR_DENIED, or ERR_RETRY where the status tells to come back. Returns -1. */
int kms_refused(const struct http_response *answer, const struct kms_refusal *why, struct err *err)
		__attribute__((nonnull(1, 2)));

static inline bool kms_is_success(const struct http_response *answer)
{
	return answer->status >= 200 && answer->status <= 299;
}

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AdmissionReview (admission.k8s.io/v1): a request from its bytes, an answer to bytes.
 *
 *     {"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":"…","operation":"CREATE",
 *      "kind":{"group":"","version":"v1","kind":"Pod"},"resource":{"group":"","version":"v1","resource":"pods"},
 *      "namespace":"shop","name":"","userInfo":{"username":"…","groups":["…"]},"object":{…},"dryRun":false}}
 *
 *     {"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","response":{"uid":"…","allowed":true,
 *      "patchType":"JSONPatch","patch":"<base64>","warnings":["…"],"auditAnnotations":{"profile":"…"}}}
 *
 * Facts that a caller must know: name is empty at CREATE with generateName; pods made by a controller often have no
 * metadata.namespace, so the request's counts; object is absent at DELETE, oldObject at CREATE. Anybody on the
 * cluster's network may send a review: nothing in it is proof of who asks.
 *
 * Bounds: 7 MiB, as an object of 3 MiB may come with its old form (controller-runtime's figure); 1024 groups.
 * Ownership: all of a request borrows from its `review`, which admission_clear releases.
 * Errors of admission_parse: ERR_FORMAT, ERR_LIMIT. As soon as the review has a uid, out->uid is set even when the
 * rest is bad: a caller then answers a denial, which the API server shows, and else HTTP 400, which it does not.
 */
#ifndef COCOON_KUBE_ADMISSION_H
#define COCOON_KUBE_ADMISSION_H

#include "base/span.h"

#include <jansson.h>
#include <stdbool.h>

struct buf;
struct err;

#define ADMISSION_MAX          (7 * 1024 * 1024)
#define ADMISSION_UID_MAX      256
#define ADMISSION_WARNING_MAX  256
#define ADMISSION_WARNINGS_MAX 4096

enum admission_operation { ADMISSION_CREATE, ADMISSION_UPDATE, ADMISSION_DELETE, ADMISSION_CONNECT };

struct admission_request {
	json_t *review;
	const char *uid; /* NULL: the review has none */
	enum admission_operation operation;
	const char *namespace;   /* "" for cluster-scoped objects */
	const char *name;        /* may be "" */
	char kind[256];          /* "v1/Pod", "apps/v1/Deployment" */
	char resource[256];      /* "v1/pods" */
	const char *subresource; /* "" for the object itself */
	bool dry_run;
	const char *user;     /* "" when absent */
	const json_t *groups; /* array of texts, or NULL */
	json_t *object;       /* NULL when absent */
	json_t *old_object;   /* NULL when absent */
};

#define ADMISSION_REQUEST_NONE              \
	{                                   \
		.review = NULL, .uid = NULL \
	}

/* *out is ADMISSION_REQUEST_NONE before, and is cleared by the caller after failure too. */
int admission_parse(struct span body, struct admission_request *out, struct err *err)
		__attribute__((nonnull(2), warn_unused_result));
void admission_clear(struct admission_request *request) __attribute__((nonnull));
#define auto_admission __attribute__((cleanup(admission_clear)))

struct admission_response {
	bool allowed;
	int code;            /* HTTP-like, for denials: 403, 422, …; 0: 403 */
	const char *reason;  /* "Forbidden", "Invalid"; NULL: none */
	const char *message; /* what kubectl prints; NULL: none */
	const json_t *patch; /* JSON Patch; NULL or empty: none. Only with allowed, and only when mutating */
	const json_t *warnings;    /* array of texts; NULL: none */
	const json_t *annotations; /* audit annotations: object of texts; NULL: none */
};

/*
 * Appends the answer. Texts that are not UTF-8 get '?' for each bad byte; control characters in warnings (which
 * travel in a header) become spaces; each warning is cut to ADMISSION_WARNING_MAX bytes and all to
 * ADMISSION_WARNINGS_MAX, at characters, with "..." at the cut. ERR_LIMIT when the answer exceeds out's ceiling.
 */
int admission_format(const char *uid, const struct admission_response *response, struct buf *out,
		struct err *err) __attribute__((nonnull(1, 2, 3), warn_unused_result));

/* "CREATE" … */
const char *admission_operation_name(enum admission_operation operation);

#endif

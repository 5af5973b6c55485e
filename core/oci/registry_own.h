/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What registry.c (session, manifests), registry_ask.c (one request with all its answers), registry_read.c (blobs
 * in), registry_dest.c (an image out) and registry_write.c (blobs out) share; for them and their tests alone.
 *
 * A request is a struct ask: what is asked stays as it is while attempts are made, each of which may end in another:
 *
 *     401 → auth_answer()      30x → the other address      429, 5xx, a cut connection → wait
 *
 * Only an address of the registry's own origin is given credentials; from https nothing leads to http.
 */
#ifndef COCOON_OCI_REGISTRY_OWN_H
#define COCOON_OCI_REGISTRY_OWN_H

#include "base/err.h"
#include "net/http.h"
#include "net/url.h"
#include "oci/auth.h"
#include "oci/transport.h"

#define REGISTRY_FIELDS    4 /* header fields that one request adds */
#define REGISTRY_REDIRECTS 5
#define REGISTRY_ERROR_MAX ((size_t)64 * 1024) /* of an error's body; the rest is not waited for */

/* One registry, one repository, one thread. */
struct registry {
	const struct oci_access *access; /* borrowed */
	struct oci_place place;
	struct http *http;
	struct retry_sleep sleep;
	struct auth auth;
	char origin[300]; /* "https://registry.example:5000" */
	bool tls;
	bool known;      /* what origin says of the scheme is true */
	char scope[320]; /* of the requests below */
	bool unlisted;   /* it has no referrers API */
};

/* actions: "pull" or "pull,push". The registry must not move: its parts point into it. */
int registry_init(struct registry *registry, const struct oci_place *place, const struct oci_access *access,
		const char *actions, struct err *err)
		__attribute__((nonnull(1, 2, 3, 4), warn_unused_result));
void registry_clear(struct registry *registry) __attribute__((nonnull));

/* When a call that begins now must be over, as ask.deadline. */
int64_t registry_deadline(const struct registry *registry) __attribute__((nonnull));

/* The ceiling of a manifest or listing. */
size_t registry_max(const struct registry *registry) __attribute__((nonnull));

/* Appends "https://host/v2/NAME/KIND/REFERENCE". */
void registry_url(const struct registry *registry, const char *kind, const char *reference, struct buf *out)
		__attribute__((nonnull));

enum ask_patience {
	ASK_PATIENT, /* tries again after 429, 5xx and cut connections */
	ASK_ONCE,    /* after 429 alone: with the others the caller knows better */
	ASK_NEVER,   /* not worth a wait */
};

struct ask {
	/* what is asked; borrowed */
	const char *method;
	const char *what;  /* for messages: "pushing the manifest 'latest'" */
	const char *scope; /* NULL: the registry's */
	const char *fields[REGISTRY_FIELDS + 1];
	struct span body;
	size_t max; /* ceiling of a good answer's body, which is kept in answer.body */
	int also;   /* a status that is good too: 404 */
	enum ask_patience patience;
	int64_t deadline; /* of all attempts: monotonic clock, microseconds; 0: as access says, from the begin on */
	/* a good answer's bytes go here instead, as http_handler.body says; NULL: kept */
	int (*sink)(void *ctx, struct span bytes, struct err *err);
	void *ctx;
	/* where; a redirect changes it */
	struct buf url;
	/* how it goes */
	struct http_call *call; /* NULL: none is under way */
	struct http_response answer;
	struct err failure; /* of the last attempt's transport */
	bool headed;
	bool done;
	bool foreign; /* url is not of the registry's origin */
	bool cut;     /* we have read enough of an error's body */
	struct retry retry;
	int auths;
	unsigned answers; /* the auth's count when the attempt began */
	int redirects;
};
#define ASK_NONE                                                                           \
	{                                                                                  \
		.url = BUF_MAX(URL_MAX), .answer = HTTP_RESPONSE_NONE, .failure = ERR_NONE \
	}
void ask_clear(struct registry *registry, struct ask *ask) __attribute__((nonnull));

/* Begins an attempt; calls go on in registry->http's turns. */
int ask_begin(struct registry *registry, struct ask *ask, struct err *err)
		__attribute__((nonnull(1, 2), warn_unused_result));
/* Goes on until there is a good answer (with sink: its head) or a failure. */
int ask_finish(struct registry *registry, struct ask *ask, struct err *err)
		__attribute__((nonnull(1, 2), warn_unused_result));
/* Both. */
int ask_run(struct registry *registry, struct ask *ask, struct err *err)
		__attribute__((nonnull(1, 2), warn_unused_result));
/* The kind and text for a status that is not good; the answer's body may say more. Always -1. */
int ask_refused(const struct registry *registry, const struct ask *ask, struct err *err)
		__attribute__((nonnull(1, 2)));

/* The address that the last answer's Location means, as the URL of the next ask. */
int ask_location(const struct registry *registry, const struct ask *ask, struct buf *out, struct err *err)
		__attribute__((nonnull(1, 2, 3), warn_unused_result));

/* A source and a dest behind oci/transport.h. */
struct registry_source {
	struct oci_source source;
	struct registry registry;
};

struct registry_dest {
	struct oci_dest dest;
	struct registry registry;
	struct oci_place from; /* where blobs may be mounted from; host "" when there is none */
	char mount_scope[AUTH_SCOPE_MAX];
	struct buf session; /* an upload that a mount left open: its address; empty: none */
	struct buf root;    /* the manifest that commit pushes */
	char root_type[256];
	char root_digest[OCI_DIGEST_MAX];
};

/* What a GET of a manifest asks for. */
#define REGISTRY_ACCEPT \
	"Accept: " OCI_TYPE_MANIFEST ", " OCI_TYPE_INDEX ", " DOCKER_TYPE_MANIFEST ", " DOCKER_TYPE_LIST

/* The answer's bytes, type and digest as the registry says; nothing is compared. */
int registry_take_manifest(const struct ask *ask, struct oci_manifest_bytes *out, struct err *err)
		__attribute__((nonnull(1, 2), warn_unused_result));

int registry_attached(struct oci_source *source, const char *digest, unsigned which, struct attached *out,
		struct err *err) __attribute__((nonnull(1, 2, 4), warn_unused_result));
int registry_blob(struct oci_source *source, const struct oci_descriptor *blob, struct oci_reader **out,
		struct err *err) __attribute__((nonnull(1, 2, 3), warn_unused_result));
/* Is the blob there? */
int registry_has(struct registry_dest *dest, const struct oci_descriptor *blob, bool *has, struct err *err)
		__attribute__((nonnull(1, 2, 3), warn_unused_result));
/* Ends an upload that is not wanted any more; empties the address. */
void registry_cancel(struct registry *registry, struct buf *session) __attribute__((nonnull));
int registry_writer(struct oci_dest *dest, uint64_t size, struct oci_writer **out, struct err *err)
		__attribute__((nonnull(1, 3), warn_unused_result));

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is told of verdicts on images, beside the answer: a line of the log each, counts, and an Event for people who look
 * at the owner of pods that do not come.
 *
 *     {"msg":"image","policy":"shop","verdict":"refused","namespace":"shop","pod":"web-","path":"spec.containers[0].image",
 *      "image":"registry.example/shop/app:1","digest":"sha256:…","reason":"encryption.layers: …","user":"jane",
 *      "dry_run":"false"}
 *
 * An Event (reason ImageRefused or ImageUnknown) goes to the controller among the pod's owners, and to the ImagePolicy where
 * there is none. Dry runs are logged, and neither counted nor told. Templates are logged alone: who applies one is told.
 */
#ifndef COCOON_WEBHOOK_REPORT_H
#define COCOON_WEBHOOK_REPORT_H

#include "webhook/review.h"

struct handoff;

/* One Event to be: all texts are its own. */
struct notice {
	struct notice *next;
	bool unknown;
	char *note;
	char *api, *kind, *namespace, *name, *uid; /* of what it regards; namespace and uid may be NULL */
};
void notice_free(struct notice *notice);

/* Notices for the follower go through the handoff. True: there is one. */
bool report_review(struct handoff *handoff, enum review_path path, const struct review_result *result)
		__attribute__((nonnull));

#endif

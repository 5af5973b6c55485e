/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Advice on a pod that is going to be confidential: what in its own manifest undoes the protection or will not work
 * in a guest. Advice never refuses; the words say why and what to do.
 *
 *   - a `sealed.` text that the guest will not unseal, and a Kubernetes Secret, which the host reads (pod/secrets.h)
 *   - a hostPath volume or a claim: its bytes come from the host, unmeasured
 *   - imagePullPolicy other than Always: with images pulled in the guest the node's copy decides nothing
 *   - an image named by a tag: the guest resolves it again, perhaps to other content
 *   - shared host namespaces: they do not exist inside a guest
 */
#ifndef COCOON_POD_ADVISE_H
#define COCOON_POD_ADVISE_H

#include "pod/view.h"

/*
 * Appends one text per finding to the JSON array `warnings`, until it holds ADVICE_MAX, each below ADVICE_TEXT_MAX
 * bytes. `path` is the place of a template ("spec.template"), "" for a pod.
 */
void pod_advise(const struct pod_view *pod, const char *path, json_t *warnings) __attribute__((nonnull));
#define ADVICE_MAX      20
#define ADVICE_TEXT_MAX 250

#endif

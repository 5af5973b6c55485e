/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where an image is, in skopeo's words (containers-transports(5)):
 *
 *     docker://registry.example:5000/team/app:1.2          docker://registry.example/team/app@sha256:…
 *     docker://alpine                                       = docker://docker.io/library/alpine:latest
 *     oci:/path/of/layout[:tag]        oci-archive:/path/image.tar[:tag]        dir:/path
 *
 * Names follow the distribution reference grammar: lower-case path, host by its dot, its port or "localhost", tag of
 * at most 128 bytes. docker.io is spoken to at registry-1.docker.io. A tag and a digest together: the digest counts.
 * The path of oci: and oci-archive: ends at its first ':', as in skopeo; what follows is the tag, which may be a whole
 * name ("oci:layout:registry.example/app:1.2"). None is empty: the place then means the only image there.
 *
 * Bounds: 4096 bytes. Errors: ERR_USAGE, which show the form.
 */
#ifndef COCOON_OCI_PLACE_H
#define COCOON_OCI_PLACE_H

#include "oci/descriptor.h"

struct err;

enum oci_transport { OCI_DOCKER, OCI_LAYOUT, OCI_ARCHIVE, OCI_DIR };

#define OCI_TEXT_MAX 4096

struct oci_place {
	enum oci_transport transport;
	char text[OCI_TEXT_MAX];     /* as given, for messages */
	char path[OCI_TEXT_MAX];     /* of a file or folder; "" for docker:// */
	char host[256];              /* docker://: "docker.io", "registry.example:5000" */
	char repository[256];        /* docker://: "library/alpine" */
	char tag[OCI_TEXT_MAX];      /* "" when none was given and none is the default */
	char digest[OCI_DIGEST_MAX]; /* "" when none was given */
};

int oci_place_parse(const char *text, struct oci_place *out, struct err *err)
		__attribute__((nonnull(1, 2), warn_unused_result));

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The name of an image as pods write it, in one normal form (distribution reference grammar, as containerd and the
 * guest read it), so that rules about names cannot be evaded by writing them another way:
 *
 *     nginx                              docker.io/library/nginx:latest
 *     index.docker.io/team/app           docker.io/team/app:latest
 *     Registry.Example:443/app:1.2       registry.example/app:1.2
 *     registry.example:5000/app@sha256:… the same; no tag is made up beside a digest
 *
 * Hosts are in lower case, the port 443 goes (it is where everybody looks anyway) but from a host without a dot, index.docker.io and
 * registry-1.docker.io are docker.io, an IPv6 address has its shortest form (RFC 5952). A tag and a digest together are
 * both kept: `digest` is what is fetched.
 *
 * Refused, because others could read something else in it: white space, upper-case repositories (some take the first
 * part for a host), IPv4 addresses in any form but four decimal numbers, 64 hex digits or "sha256:…" alone (an id of the
 * node's own images), a host that ends in '.', a port with leading zeros.
 *
 * Patterns are globs on "host/repository", anchored at both ends: `*` stands for anything but '/', `**` for anything,
 * `?` for one character that is no '/'. A pattern is lower case and has a host: "docker.io/library/b*",
 * "registry.example/shop**", "**". Matching takes pattern × name steps at most.
 *
 * Bounds: those of the arrays; host and repository have 255 bytes together. Errors: ERR_FORMAT, ERR_LIMIT; they show the
 * text, cut, without control characters.
 */
#ifndef COCOON_OCI_NAME_H
#define COCOON_OCI_NAME_H

#include "oci/descriptor.h"

struct err;
struct oci_place;

#define OCI_NAME_MAX     800 /* formatted, with the NUL */
#define OCI_PATTERN_MAX  512 /* twice a name: each of its characters and a '?' or '*' */

#define OCI_HUB          "docker.io"
#define OCI_HUB_ENDPOINT "registry-1.docker.io"
#define OCI_LIBRARY      "library/"

struct oci_name {
	char host[256];
	char repository[256];
	char tag[129];               /* "" when a digest was given without one */
	char digest[OCI_DIGEST_MAX]; /* "" when none was given */
	bool default_tag;            /* nobody wrote the tag: "latest" */
};

int oci_name_parse(const char *text, struct oci_name *out, struct err *err)
		__attribute__((nonnull(1, 2), warn_unused_result));

/* "host/repository[:tag][@digest]". */
void oci_name_format(const struct oci_name *name, char out[static OCI_NAME_MAX]) __attribute__((nonnull));

/* Where it is fetched: a docker:// place; its digest counts, else its tag. */
int oci_name_place(const struct oci_name *name, struct oci_place *out, struct err *err)
		__attribute__((nonnull(1, 2), warn_unused_result));

/*
 * The grammar alone, for who reads names inside of something: what the text has, as it is written; "" for what it has
 * not. Errors do not show the text. oci_name_complete() adds what is implied: docker.io, library/, latest.
 */
int oci_name_split(struct span text, struct oci_name *out, struct err *err)
		__attribute__((nonnull(2), warn_unused_result));
int oci_name_complete(struct oci_name *name, struct err *err) __attribute__((nonnull(1), warn_unused_result));

/* Is the pattern one? ERR_FORMAT says what is wrong. */
int oci_pattern_check(const char *pattern, struct err *err) __attribute__((nonnull(1), warn_unused_result));
bool oci_pattern_matches(const char *pattern, const struct oci_name *name) __attribute__((nonnull));

#endif

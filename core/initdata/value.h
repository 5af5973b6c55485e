/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Single values of the guest's configuration files, each judged as the guest will judge it.
 *
 * Errors say what is wrong and what would be right, without the field's name, which the caller wraps around. Two
 * kinds: ERR_FORMAT for what the guest refuses, ERR_DENIED for what it takes but reads otherwise than it looks, or
 * what must not stand in a public document. We write neither; in files of others the second is a warning.
 */
#ifndef COCOON_INITDATA_VALUE_H
#define COCOON_INITDATA_VALUE_H

#include "base/span.h"

#include <jansson.h>

struct err;

typedef int (*value_check)(struct span value, struct err *err);

/* http:// or https://, host, port, path; no user, query or fragment. */
int value_url(struct span value, struct err *err) __attribute__((warn_unused_result));

/* The same without "::", at which the guest splits the URL of a key broker. */
int value_kbs_url(struct span value, struct err *err) __attribute__((warn_unused_result));

/* kbs:///repository/type/tag or kbs+plugin:///…, in the subset that guest and broker read alike. */
int value_kbs_uri(struct span value, struct err *err) __attribute__((warn_unused_result));

/* A kbs URI, file:///path, or a bare absolute path. */
int value_location(struct span value, struct err *err) __attribute__((warn_unused_result));

/* unix:// and an absolute path. */
int value_socket(struct span value, struct err *err) __attribute__((warn_unused_result));

/* An absolute path without "." and ".." parts. */
int value_path(struct span value, struct err *err) __attribute__((warn_unused_result));

/* A path below the one folder that the guest writes credentials to. */
int value_credential_path(struct span value, struct err *err) __attribute__((warn_unused_result));

/* PEM with certificates and nothing else. */
int value_certificates(struct span value, struct err *err) __attribute__((warn_unused_result));

/* cc_kbc or offline_fs_kbc. */
int value_kbc_name(struct span value, struct err *err) __attribute__((warn_unused_result));

int value_key_algorithm(struct span value, struct err *err) __attribute__((warn_unused_result));

/* A level, or a comma-separated filter "info,kbs=debug". */
int value_log_level(struct span value, struct err *err) __attribute__((warn_unused_result));

/* The JSON of an image policy (containers-policy.json) as the guest parses it. */
int value_image_policy(struct span value, struct err *err) __attribute__((warn_unused_result));

/* Any text of one line. */
int value_line(struct span value, struct err *err) __attribute__((warn_unused_result));

/* Any text that is not empty. */
int value_text(struct span value, struct err *err) __attribute__((warn_unused_result));

/* A policy.rego that the agent's engine can read: no line and no number of lines above its limits. */
int value_policy(struct span value, struct err *err) __attribute__((warn_unused_result));

#endif

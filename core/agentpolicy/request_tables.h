/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The messages of the agent's interface (Kata 4.1: agent.proto, oci.proto, types.proto, csi.proto) as tables: private
 * to this room. Fields stand in the order of the protocol and under the names that the policy engine sees: `type` is
 * type_. CopyFileRequest stands as the agent hands it to the engine.
 */
#ifndef COCOON_AGENTPOLICY_REQUEST_TABLES_H
#define COCOON_AGENTPOLICY_REQUEST_TABLES_H

#include <stddef.h>

enum field_type {
	FIELD_TEXT,
	FIELD_BOOL,
	FIELD_INT32, /* enums too */
	FIELD_INT64,
	FIELD_UINT32,
	FIELD_UINT64,
	FIELD_BYTES,
	FIELD_MESSAGE,
	FIELD_MAP,       /* of texts, by texts */
	FIELD_FILE_TYPE, /* of CopyFileRequest */
};

/* MAYBE: null where it is absent, as messages are */
enum field_count { FIELD_ONE, FIELD_MAYBE, FIELD_MANY };

struct field {
	const char *name;
	enum field_type type;
	enum field_count count;
	const struct field *message; /* of FIELD_MESSAGE: its fields, up to one without a name */
};

struct request_kind {
	const char *name;
	const struct field *fields;
};

#define REQUEST_KINDS 41
/* sorted by name; the names alone, NULL at their end */
extern const struct request_kind request_kinds[REQUEST_KINDS];
extern const char *const request_names[REQUEST_KINDS + 1];

/* Spec, Process and LinuxResources of oci.proto. */
extern const struct field oci_spec[], oci_process[], oci_resources[];

#endif

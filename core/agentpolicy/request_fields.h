/* SPDX-License-Identifier: Apache-2.0 */
/* How the tables of messages (agentpolicy/request_tables.h) are written: for the files that hold them alone. */
#ifndef COCOON_AGENTPOLICY_REQUEST_FIELDS_H
#define COCOON_AGENTPOLICY_REQUEST_FIELDS_H

#define ONE(field_name, field_type)                                                                   \
	{                                                                                             \
		.name = (field_name), .type = FIELD_##field_type, .count = FIELD_ONE, .message = NULL \
	}
#define MAYBE(field_name, field_type)                                                                   \
	{                                                                                               \
		.name = (field_name), .type = FIELD_##field_type, .count = FIELD_MAYBE, .message = NULL \
	}
#define MANY(field_name, field_type)                                                                   \
	{                                                                                              \
		.name = (field_name), .type = FIELD_##field_type, .count = FIELD_MANY, .message = NULL \
	}
#define MESSAGE(field_name, fields)                                                                    \
	{                                                                                              \
		.name = (field_name), .type = FIELD_MESSAGE, .count = FIELD_MAYBE, .message = (fields) \
	}
#define MESSAGES(field_name, fields)                                                                  \
	{                                                                                             \
		.name = (field_name), .type = FIELD_MESSAGE, .count = FIELD_MANY, .message = (fields) \
	}
#define END                  \
	{                    \
		.name = NULL \
	}

#endif

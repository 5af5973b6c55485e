/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Why something failed: a kind, which says what a caller can do about it, and a text, which says it to a person.
 *
 * Every function that can fail returns int (0, or -1 with *err filled) and takes `struct err *err` last. The
 * function that knows the cause calls err_set(); the one that knows the intent wraps it:
 *
 *     return err_set(err, ERR_FORMAT, "line %d: unclosed string", line);
 *     if (toml_parse(text, &doc, err) < 0)
 *             return err_wrap(err, "reading '%s'", path);
 *     →  "reading 'aa.toml': line 3: unclosed string"
 *
 * Bounds: ERR_TEXT_MAX bytes with the NUL; a longer text is cut at the end and ends in "...", never inside the
 * first cause's beginning. What span_tidy() replaces is '?', so that outside bytes cannot forge lines.
 * Ownership: the caller's struct, usually on the stack, initialised with ERR_NONE; nothing is allocated.
 * err may be NULL everywhere: a caller that needs no reason passes NULL.
 * Never in a text: secrets, tokens, bodies. The texts of ERR_AUTH are uniform, so that they are no oracle.
 */
#ifndef COCOON_BASE_ERR_H
#define COCOON_BASE_ERR_H

#include <stdbool.h>

#define ERR_TEXT_MAX 1024

enum err_kind {
	ERR_OK = 0,
	ERR_USAGE,     /* the caller's words or settings are wrong: correct and call again */
	ERR_FORMAT,    /* outside bytes do not have the form they must have */
	ERR_LIMIT,     /* a bound of ours was exceeded */
	ERR_DENIED,    /* understood and refused by a rule or by the peer */
	ERR_AUTH,      /* a signature, tag, certificate or credential is wrong */
	ERR_NOT_FOUND, /* the thing named does not exist */
	ERR_CONFLICT,  /* somebody else changed it first: read again, recompute */
	ERR_RETRY,     /* the same call may succeed later */
	ERR_IO,        /* the system or the network failed */
	ERR_BUG,       /* cannot happen */
};

struct err {
	enum err_kind kind;
	int retry_after; /* seconds that the peer asked us to wait; 0 = it did not say */
	char text[ERR_TEXT_MAX];
};

#define ERR_NONE                                             \
	{                                                    \
		.kind = ERR_OK, .retry_after = 0, .text = "" \
	}

/* Sets kind and text, forgetting what was there. Always returns -1. */
int err_set(struct err *err, enum err_kind kind, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* As err_set, and ends the text with ": " and the words for errno (which it keeps). */
int err_errno(struct err *err, enum err_kind kind, const char *fmt, ...)
		__attribute__((format(printf, 3, 4)));

/* Prepends context and ": " to the text; the kind stays. Always returns -1. */
int err_wrap(struct err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Back to ERR_NONE, for a struct that is used again. */
void err_clear(struct err *err);

/* The lower-case name of a kind, for logs and JSON: "format", "not-found". Static. */
const char *err_kind_name(enum err_kind kind);

/* The exit code of a program that fails with this kind: 2 for ERR_USAGE, else 1. */
int err_exit_code(enum err_kind kind);

#endif

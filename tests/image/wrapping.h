/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of the kinds of wrapping share: files, recipients and openers in one line. */
#ifndef COCOON_TESTS_IMAGE_WRAPPING_H
#define COCOON_TESTS_IMAGE_WRAPPING_H

#include "base/buf.h"
#include "base/err.h"
#include "base/fs.h"
#include "image/keys.h"
#include "image/wrap.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define VECTORS "tests/vectors/image/"

static inline void load(const char *name, struct buf *out)
{
	struct err err = ERR_NONE;

	if (fs_read(name, out, &err) < 0)
		fail_msg("%s", err.text);
}

static inline void recipient_release(struct recipient **slot)
{
	recipient_free(*slot);
}
#define auto_recipient __attribute__((cleanup(recipient_release)))

/* One element for the recipient, around the text; -1 with *err. */
static inline int wrap_to(const struct wrap_kind *kind, const struct wrap_settings *settings,
		const char *value, struct span text, struct buf *element, struct err *err)
{
	auto_recipient struct recipient *recipient = NULL;
	auto_secret struct secret options = SECRET_NONE;

	if (kind->recipient(settings, value, &recipient, err) < 0)
		return -1;
	assert_non_null(recipient);
	assert_int_equal(secret_from_span(&options, text, err), 0);
	return recipient->wrap(recipient, &options, element, err);
}

/* Opens with the keys, a NULL-terminated list of --key texts, as annotation_unwrap() does: one after the other. The
 * error is the last one. */
static inline int open_with(const struct wrap_kind *kind, const struct wrap_settings *settings,
		const char *const *texts, struct span element, struct secret *out, struct err *err)
{
	auto_keys struct keys keys = KEYS_NONE;
	auto_openers struct opener_list list = OPENER_LIST_NONE;

	for (; *texts; texts++)
		if (keys_add(&keys, *texts, err) < 0)
			return -1;
	if (kind->openers(settings, &keys, &list, err) < 0)
		return -1;
	if (!list.count)
		return err_set(err, ERR_NOT_FOUND, "none of the keys is for this kind");
	for (size_t i = 0; i < list.count; i++)
		if (list.items[i]->unwrap(list.items[i], element, out, err) == 0)
			return 0;
	return -1;
}

#endif

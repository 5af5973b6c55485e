/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/dockerconfig.h"

#include "base/alloc.h"
#include "base/err.h"
#include "oci/store.h"

#include <stdlib.h>
#include <string.h>

void oci_login_clear(struct oci_login *login)
{
	free(login->user);
	secret_clear(&login->password);
	secret_clear(&login->identity);
	*login = (struct oci_login)OCI_LOGIN_NONE;
}

int oci_login_parse(struct span text, struct oci_login *out, struct err *err)
{
	size_t colon = span_find(text, ':');
	struct span user = span_new(text.ptr, colon), password = span_from(text, colon + 1);
	auto_secret struct secret copy = SECRET_NONE;

	if (colon == text.len || !colon)
		return err_set(err, ERR_FORMAT, "credentials have the form user:password");
	while (password.len && strchr("\n\r", password.ptr[password.len - 1]))
		password.len--;
	if (memchr(user.ptr, '\0', user.len))
		return err_set(err, ERR_FORMAT, "the user's name holds a NUL byte");
	if (secret_from_span(&copy, password, err) < 0)
		return -1;
	oci_login_clear(out);
	out->user = xmemdup0(user.ptr, user.len);
	secret_move(&out->password, &copy);
	return 0;
}

int oci_login_find(const struct oci_access *access, const struct oci_place *place, struct oci_login *out,
		struct err *err)
{
	(void)place;
	return access->credentials ? oci_login_parse(span_of(access->credentials), out, err) : 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* long: all forms of keys, on the command line and in folders, are tried on one set of files that is made once. */
#include "image/keys.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/own.h"

#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
/* cmocka wants setjmp.h, stdarg.h and stddef.h */
#include <cmocka.h>

#define CRYPTO   "tests/vectors/crypto/keys/"
#define JOSE     "tests/vectors/jose/keys/"
#define PASSWORD "hunter2 9"

/* ---- a folder of the test's own -------------------------------------------------------------------------- */

static char place[64];

/* Its path; the next call but three overwrites it. */
static const char *at(const char *name)
{
	static char paths[4][256];
	static int turn;
	char *path = paths[turn++ % 4];

	snprintf(path, sizeof(paths[0]), "%s/%s", place, name);
	return path;
}

static void put_bytes(const char *name, struct span bytes)
{
	struct err err = ERR_NONE;

	if (fs_write_atomic(at(name), bytes, 0600, &err) < 0)
		fail_msg("%s", err.text);
}

static void put(const char *name, const char *text)
{
	put_bytes(name, span_of(text));
}

static void copy(const char *name, const char *from)
{
	auto_buf struct buf bytes = BUF_MAX(1 << 20);
	struct err err = ERR_NONE;

	if (fs_read(from, &bytes, &err) < 0)
		fail_msg("%s", err.text);
	put_bytes(name, buf_span(&bytes));
}

static void make_folder(const char *name)
{
	assert_int_equal(mkdir(at(name), 0700), 0);
}

static void link_to(const char *name, const char *target)
{
	assert_int_equal(symlink(target, at(name)), 0);
}

static int remove_one(const char *path, const struct stat *info, int type, struct FTW *walk)
{
	(void)info, (void)type, (void)walk;
	return remove(path);
}

static int setup(void **state)
{
	(void)state;
	snprintf(place, sizeof(place), "/tmp/cocoon-keys-XXXXXX");
	return mkdtemp(place) ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	return nftw(place, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* ---- one key --------------------------------------------------------------------------------------------- */

static void add(struct keys *keys, const char *text)
{
	struct err err = ERR_NONE;

	if (keys_add(keys, text, &err) < 0)
		fail_msg("'%s': %s", text, err.text);
}

static void takes_private_keys_in_every_form(void **state)
{
	static const struct {
		const char *file;
		enum pkey_kind kind;
	} cases[] = {
		{ CRYPTO "rsa.pem", PKEY_RSA },
		{ CRYPTO "rsa.der", PKEY_RSA },
		{ CRYPTO "rsa-pkcs1.pem", PKEY_RSA },
		{ CRYPTO "rsa-pkcs1.der", PKEY_RSA },
		{ CRYPTO "p256.pem", PKEY_P256 },
		{ CRYPTO "p256-sec1.pem", PKEY_P256 },
		{ CRYPTO "p384-sec1.der", PKEY_P384 },
		{ CRYPTO "p521-sec1.pem", PKEY_P521 },
		{ CRYPTO "ed25519.pem", PKEY_ED25519 },
		{ JOSE "rsa.jwk", PKEY_RSA },
		{ JOSE "p256.jwk", PKEY_P256 },
		{ JOSE "p521.jwk", PKEY_P521 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		auto_keys struct keys keys = KEYS_NONE;
		add(&keys, cases[i].file);
		assert_int_equal(keys.count, 1);
		assert_int_equal(keys.items[0].form, KEY_PRIVATE);
		assert_int_equal(pkey_kind(keys.items[0].jwk.key), cases[i].kind);
		assert_string_equal(keys.items[0].name, cases[i].file);
		assert_false(keys.items[0].used);
		assert_int_equal(keys.items[0].bytes.len, 0);
		assert_false(keys.password_in_sight);
	}
}

static void takes_certificates_and_keys_beside_them(void **state)
{
	auto_keys struct keys keys = KEYS_NONE;

	(void)state;
	add(&keys, CRYPTO "rsa-certificate.pem");
	add(&keys, CRYPTO "rsa-certificate.der");
	add(&keys, CRYPTO "rsa-certificate-and-key.pem");
	assert_int_equal(keys.count, 4);
	for (size_t i = 0; i < keys.count; i++) {
		assert_int_equal(keys.items[i].form, i == 2 ? KEY_PRIVATE : KEY_CERTIFICATE);
		assert_int_equal(pkey_is_private(keys.items[i].jwk.key), i == 2);
		assert_int_equal(keys.items[i].bytes.len > 0, i != 2);
		assert_true(pkey_is_same(keys.items[i].jwk.key, keys.items[2].jwk.key));
	}
	/* the certificate alone, not the private key beside it */
	assert_null(memmem(keys.items[3].bytes.ptr, keys.items[3].bytes.len, "PRIVATE", 7));
}

static void takes_locked_keys_with_their_password(void **state)
{
	static const char *const files[] = { "rsa-locked.pem", "rsa-locked.der", "rsa-locked-old-aes128.pem",
		"rsa-locked-old-des3.pem", "p256-locked-old.pem" };
	static const char *const words[] = { "file=", "file=", "file=", ("pass=" PASSWORD), PASSWORD };
	static const char *const passwords[] = { "unix", "dos", "bare" };

	(void)state;
	put("unix", PASSWORD "\n");
	put("dos", PASSWORD "\r\n");
	put("bare", PASSWORD);
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		for (size_t w = 0; w < sizeof(words) / sizeof(words[0]); w++) {
			auto_keys struct keys keys = KEYS_NONE;
			auto_buf struct buf text = BUF_MAX(1024);
			buf_printf(&text, CRYPTO "%s:%s", files[i], words[w]);
			if (w < 3)
				buf_printf(&text, "%s/%s", place, passwords[w]);
			add(&keys, buf_text(&text));
			assert_int_equal(keys.items[0].form, KEY_PRIVATE);
			assert_int_equal(keys.password_in_sight, w >= 3);
		}
	}
}

static void reads_a_password_from_a_descriptor_and_leaves_it_open(void **state)
{
	auto_keys struct keys keys = KEYS_NONE;
	int ends[2];
	char text[256];

	(void)state;
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	assert_int_equal(write(ends[1], PASSWORD "\n", sizeof(PASSWORD)), sizeof(PASSWORD));
	close(ends[1]);
	snprintf(text, sizeof(text), CRYPTO "rsa-locked.pem:fd=%d", ends[0]);
	add(&keys, text);
	assert_int_equal(fcntl(ends[0], F_GETFD), FD_CLOEXEC);
	close(ends[0]);
}

static void wrong_passwords_are_an_error_that_names_the_file_and_no_password(void **state)
{
	static const struct {
		const char *text;
		enum err_kind kind;
	} cases[] = {
		{ CRYPTO "rsa-locked.pem", ERR_AUTH },
		{ CRYPTO "rsa-locked.pem:pass=", ERR_AUTH },
		{ CRYPTO "rsa-locked.pem:pass=open sesame", ERR_AUTH },
		{ CRYPTO "rsa-locked.pem:open sesame", ERR_AUTH },
		{ CRYPTO "rsa-locked-old-aes128.pem:pass=open sesame", ERR_AUTH },
		{ CRYPTO "rsa-locked.pem:file=/nowhere/open sesame", ERR_NOT_FOUND },
		{ CRYPTO "rsa-locked.pem:fd=x", ERR_USAGE },
		{ CRYPTO "rsa-locked.pem:fd=-1", ERR_USAGE },
		{ CRYPTO "rsa-locked.pem:fd=9999999999", ERR_USAGE },
		{ CRYPTO "rsa-locked.pem:fd=1048575", ERR_IO },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		auto_keys struct keys keys = KEYS_NONE;
		struct err err = ERR_NONE;
		assert_int_equal(keys_add(&keys, cases[i].text, &err), -1);
		if (err.kind != cases[i].kind)
			fail_msg("'%s': %s: %s", cases[i].text, err_kind_name(err.kind), err.text);
		assert_non_null(strstr(err.text, "rsa-locked"));
		if (cases[i].kind == ERR_AUTH)
			assert_null(strstr(err.text, "sesame"));
		assert_int_equal(keys.count, 0);
	}
}

static void colons_stand_in_names_and_passwords(void **state)
{
	auto_keys struct keys keys = KEYS_NONE;
	auto_free char *text = NULL;

	(void)state;
	copy("a:b.pem", CRYPTO "p256.pem");
	copy("c:d:locked.pem", CRYPTO "rsa-locked.pem");
	put("e:f", PASSWORD);
	/* a file of the whole name */
	add(&keys, at("a:b.pem"));
	/* a known word splits wherever it stands */
	text = xasprintf("%s:file=%s", at("c:d:locked.pem"), at("e:f"));
	add(&keys, text);
	assert_string_equal(keys.items[1].name, at("c:d:locked.pem"));
	/* a password with a colon is a password, unlike in ocicrypt: it is wrong here, and not ignored */
	struct err err = ERR_NONE;
	assert_int_equal(keys_add(&keys, CRYPTO "rsa-locked.pem:pass=hunter2:9", &err), -1);
	assert_int_equal(err.kind, ERR_AUTH);
	assert_int_equal(keys.count, 2);
}

static void never_ignores_a_key(void **state)
{
	static const struct {
		const char *text;
		enum err_kind kind;
	} cases[] = {
		{ "", ERR_USAGE },
		{ ":", ERR_USAGE },
		{ ":pass=x", ERR_USAGE },
		{ "/nowhere/key.pem", ERR_NOT_FOUND },
		{ "/nowhere/key.pem:secret-word", ERR_NOT_FOUND },
		{ "/nowhere/key.pem:pass=secret-word", ERR_NOT_FOUND },
		{ "/", ERR_IO },
		{ "/dev/null", ERR_FORMAT },
		{ "/dev/zero", ERR_LIMIT },
		{ CRYPTO "rsa-public.pem", ERR_USAGE },
		{ CRYPTO "rsa-public.der", ERR_USAGE },
		{ CRYPTO "rsa-pkcs1-public.pem", ERR_USAGE },
		{ CRYPTO "other/rsa1024.pem", ERR_FORMAT },
		{ CRYPTO "other/x25519.pem", ERR_FORMAT },
		{ CRYPTO "other/openssh", ERR_FORMAT },
		{ CRYPTO "other/request.pem", ERR_FORMAT },
		{ CRYPTO "other/container.p12", ERR_FORMAT },
		{ CRYPTO "../make-keys.sh", ERR_FORMAT },
		{ "provider:", ERR_USAGE },
		{ "provider::x", ERR_USAGE },
		{ "provider:privkeys", ERR_USAGE },
		{ "provider:pkcs11-config:x", ERR_USAGE },
		{ "kbs:///default/key/1=/nowhere", ERR_NOT_FOUND },
		{ "kbs:///default/key/1=" CRYPTO "rsa.pem", ERR_USAGE },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		auto_keys struct keys keys = KEYS_NONE;
		struct err err = ERR_NONE;
		if (keys_add(&keys, cases[i].text, &err) == 0)
			fail_msg("took '%s'", cases[i].text);
		if (err.kind != cases[i].kind)
			fail_msg("'%s': %s: %s", cases[i].text, err_kind_name(err.kind), err.text);
		assert_null(strstr(err.text, "secret-word"));
		assert_int_equal(keys.count, 0);
	}
}

static void takes_providers_brokers_keys_and_what_other_kinds_read(void **state)
{
	auto_keys struct keys keys = KEYS_NONE;
	auto_free char *kek = NULL;

	(void)state;
	put("kek=1", "0123456789abcdef0123456789abcdef");
	put("armor", "-----BEGIN PGP PRIVATE KEY BLOCK-----\n\nAA==\n-----END PGP PRIVATE KEY BLOCK-----\n");
	put("ring", "\x95\x01\x02");
	put("token.yaml", "pkcs11:\n  uri: pkcs11:token=a;object=b\n");
	kek = xasprintf("kbs:///default/key/1=%s", at("kek=1"));
	add(&keys, "provider:attestation-agent");
	add(&keys, "provider:other:a=b::c:d");
	add(&keys, "provider:third:");
	add(&keys, kek);
	add(&keys, "pgp:");
	add(&keys, at("armor"));
	add(&keys, at("ring"));
	add(&keys, at("token.yaml"));
	static const enum key_form forms[] = { KEY_PROVIDER, KEY_PROVIDER, KEY_PROVIDER, KEY_KEK, KEY_GNUPG,
		KEY_OTHER, KEY_OTHER, KEY_OTHER };
	assert_int_equal(keys.count, 8);
	for (size_t i = 0; i < 8; i++)
		assert_int_equal(keys.items[i].form, forms[i]);
	assert_string_equal(keys.items[0].name, "attestation-agent");
	assert_string_equal(keys.items[0].attributes, "Enabled");
	assert_string_equal(keys.items[1].attributes, "a=b::c:d");
	assert_string_equal(keys.items[2].attributes, "Enabled");
	assert_string_equal(keys.items[3].name, "kbs:///default/key/1");
	assert_int_equal(keys.items[3].bytes.len, 32);
	assert_int_equal(keys.items[6].bytes.len, 3);
}

static void takes_keys_from_memory_and_not_any_number(void **state)
{
	auto_keys struct keys keys = KEYS_NONE;
	auto_secret struct secret bytes = SECRET_NONE, password = SECRET_NONE;
	struct err err = ERR_NONE;

	(void)state;
	assert_int_equal(secret_read_file(&bytes, CRYPTO "rsa-locked.pem", NULL), 0);
	assert_int_equal(secret_from_span(&password, SPAN_LIT(PASSWORD), NULL), 0);
	assert_int_equal(keys_add_bytes(&keys, "privkeys[0]", &bytes, &password, NULL), 0);
	assert_int_equal(bytes.len, 0);
	assert_int_equal(password.len, 0);
	assert_int_equal(keys_add_bytes(&keys, "privkeys[1]", &bytes, NULL, &err), -1);
	assert_int_equal(err.kind, ERR_FORMAT);
	assert_non_null(strstr(err.text, "privkeys[1]"));
	while (keys.count < KEYS_MAX)
		assert_int_equal(keys_add_provider(&keys, "x", "", NULL), 0);
	assert_int_equal(keys_add_provider(&keys, "x", "", &err), -1);
	assert_int_equal(err.kind, ERR_LIMIT);
	assert_int_equal(keys_add(&keys, CRYPTO "p256.pem", &err), -1);
	assert_int_equal(err.kind, ERR_LIMIT);
}

static void every_truncation_of_a_key_is_an_error(void **state)
{
	auto_secret struct secret whole = SECRET_NONE;

	(void)state;
	assert_int_equal(secret_read_file(&whole, CRYPTO "p256.pem", NULL), 0);
	/* the last line's end does not matter */
	for (size_t len = 0; len + 2 < whole.len; len++) {
		auto_keys struct keys keys = KEYS_NONE;
		auto_secret struct secret part = SECRET_NONE;
		assert_int_equal(secret_from_span(&part, span_new(whole.ptr, len), NULL), 0);
		assert_int_equal(keys_add_bytes(&keys, "key", &part, NULL, NULL), -1);
	}
}

/* ---- folders --------------------------------------------------------------------------------------------- */

static size_t add_folder(struct keys *keys, const char *name)
{
	struct err err = ERR_NONE;
	size_t skipped = 0;

	if (keys_add_folder(keys, at(name), &skipped, &err) < 0)
		fail_msg("%s", err.text);
	return skipped;
}

static void finds_keys_in_folders_of_folders_in_one_order(void **state)
{
	auto_keys struct keys keys = KEYS_NONE;

	(void)state;
	make_folder("deep");
	make_folder("deep/b");
	make_folder("deep/b/c");
	copy("deep/z.pem", CRYPTO "rsa.pem");
	copy("deep/b/c/y.jwk", JOSE "p256.jwk");
	copy("deep/a.pem", CRYPTO "rsa-certificate.pem");
	copy("deep/.hidden", CRYPTO "p384.pem");
	assert_int_equal(add_folder(&keys, "deep"), 0);
	assert_int_equal(keys.count, 4);
	assert_string_equal(keys.items[0].name, at("deep/.hidden"));
	assert_string_equal(keys.items[1].name, at("deep/a.pem"));
	assert_string_equal(keys.items[2].name, at("deep/b/c/y.jwk"));
	assert_string_equal(keys.items[3].name, at("deep/z.pem"));
}

static void reads_a_mounted_secret_once(void **state)
{
	auto_keys struct keys keys = KEYS_NONE;

	(void)state;
	/* as kubelet mounts Secrets and ConfigMaps */
	make_folder("mount");
	make_folder("mount/..2026_01_02_03_04_05.123");
	copy("mount/..2026_01_02_03_04_05.123/key.pem", CRYPTO "rsa-locked.pem");
	put("mount/..2026_01_02_03_04_05.123/key.pem.pass", PASSWORD "\n");
	link_to("mount/..data", "..2026_01_02_03_04_05.123");
	link_to("mount/key.pem", "..data/key.pem");
	link_to("mount/key.pem.pass", "..data/key.pem.pass");
	assert_int_equal(add_folder(&keys, "mount"), 0);
	assert_int_equal(keys.count, 1);
	assert_string_equal(keys.items[0].name, at("mount/key.pem"));
}

static void follows_links_inside_alone_and_no_circles(void **state)
{
	auto_keys struct keys keys = KEYS_NONE;

	(void)state;
	make_folder("outside");
	copy("outside/stolen.pem", CRYPTO "rsa.pem");
	make_folder("inside");
	make_folder("inside/sub");
	copy("inside/sub/mine.pem", CRYPTO "p256.pem");
	link_to("inside/again.pem", "sub/mine.pem");
	link_to("inside/circle", ".");
	link_to("inside/sub/up", "..");
	link_to("inside/loop", "loop");
	link_to("inside/nothing", "not-there");
	link_to("inside/out.pem", "../outside/stolen.pem");
	link_to("inside/outer", "../outside");
	link_to("inside/absolute", "/etc");
	make_folder("inside-not");
	copy("inside-not/near.pem", CRYPTO "p384.pem");
	link_to("inside/near", "../inside-not");
	assert_int_equal(add_folder(&keys, "inside"), 6);
	assert_int_equal(keys.count, 1);
	assert_string_equal(keys.items[0].name, at("inside/again.pem"));
}

static void skips_what_is_no_key_and_counts_it(void **state)
{
	auto_keys struct keys keys = KEYS_NONE;
	auto_buf struct buf large = BUF_MAX(SECRET_MAX + 1);

	(void)state;
	make_folder("mixed");
	copy("mixed/good.pem", CRYPTO "p256.pem");
	put("mixed/empty", "");
	put("mixed/README", "keys of the node\n");
	put("mixed/lonely.pass", "no key of this name\n");
	put("mixed/broken.pem", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n");
	put("mixed/config.json", "{\"auths\":{}}");
	copy("mixed/public.pem", CRYPTO "rsa-public.pem");
	copy("mixed/signing.pem", CRYPTO "ed25519.pem");
	copy("mixed/old.pem", CRYPTO "other/rsa1024.pem");
	assert_int_equal(mkfifo(at("mixed/pipe"), 0600), 0);
	while (buf_check(&large, "", NULL) == 0)
		buf_puts(&large, "-----BEGIN PRIVATE KEY-----\n");
	put_bytes("mixed/large.pem", buf_span(&large));
	assert_int_equal(add_folder(&keys, "mixed"), 10);
	assert_int_equal(keys.count, 1);
	assert_string_equal(keys.items[0].name, at("mixed/good.pem"));
}

static void a_locked_key_needs_its_password_beside_it(void **state)
{
	auto_keys struct keys keys = KEYS_NONE;
	struct err err = ERR_NONE;
	size_t skipped = 0;

	(void)state;
	make_folder("locked");
	copy("locked/a.pem", CRYPTO "rsa-locked.pem");
	assert_int_equal(keys_add_folder(&keys, at("locked"), &skipped, &err), -1);
	assert_int_equal(err.kind, ERR_AUTH);
	assert_non_null(strstr(err.text, "locked/a.pem"));
	put("locked/a.pem.pass", "wrong\n");
	assert_int_equal(keys_add_folder(&keys, at("locked"), &skipped, &err), -1);
	assert_int_equal(err.kind, ERR_AUTH);
	put("locked/a.pem.pass", PASSWORD "\r\n");
	assert_int_equal(add_folder(&keys, "locked"), 0);
	assert_int_equal(keys.count, 1);
}

static void says_when_the_folder_is_none(void **state)
{
	auto_keys struct keys keys = KEYS_NONE;
	struct err err = ERR_NONE;
	size_t skipped = 0;

	(void)state;
	assert_int_equal(keys_add_folder(&keys, at("nowhere"), &skipped, &err), -1);
	assert_int_equal(err.kind, ERR_NOT_FOUND);
	put("file", "x");
	assert_int_equal(keys_add_folder(&keys, at("file"), &skipped, &err), -1);
	assert_int_equal(err.kind, ERR_IO);
	make_folder("hollow");
	assert_int_equal(add_folder(&keys, "hollow"), 0);
	assert_int_equal(keys.count, 0);
}

static void refuses_folders_without_end(void **state)
{
	auto_buf struct buf path = BUF_MAX(1024);
	auto_keys struct keys keys = KEYS_NONE;
	struct err err = ERR_NONE;
	size_t skipped = 0;

	(void)state;
	buf_puts(&path, "endless");
	make_folder(buf_text(&path));
	for (int i = 0; i < KEYS_DEPTH_MAX; i++) {
		buf_puts(&path, "/d");
		make_folder(buf_text(&path));
	}
	assert_int_equal(add_folder(&keys, "endless"), 0);
	buf_puts(&path, "/d");
	make_folder(buf_text(&path));
	assert_int_equal(keys_add_folder(&keys, at("endless"), &skipped, &err), -1);
	assert_int_equal(err.kind, ERR_LIMIT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_private_keys_in_every_form),
		cmocka_unit_test(takes_certificates_and_keys_beside_them),
		cmocka_unit_test(takes_locked_keys_with_their_password),
		cmocka_unit_test(reads_a_password_from_a_descriptor_and_leaves_it_open),
		cmocka_unit_test(wrong_passwords_are_an_error_that_names_the_file_and_no_password),
		cmocka_unit_test(colons_stand_in_names_and_passwords),
		cmocka_unit_test(never_ignores_a_key),
		cmocka_unit_test(takes_providers_brokers_keys_and_what_other_kinds_read),
		cmocka_unit_test(takes_keys_from_memory_and_not_any_number),
		cmocka_unit_test(every_truncation_of_a_key_is_an_error),
		cmocka_unit_test(finds_keys_in_folders_of_folders_in_one_order),
		cmocka_unit_test(reads_a_mounted_secret_once),
		cmocka_unit_test(follows_links_inside_alone_and_no_circles),
		cmocka_unit_test(skips_what_is_no_key_and_counts_it),
		cmocka_unit_test(a_locked_key_needs_its_password_beside_it),
		cmocka_unit_test(says_when_the_folder_is_none),
		cmocka_unit_test(refuses_folders_without_end),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}

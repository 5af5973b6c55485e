/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two documents with their digests and forms, computed by other programs (specification of init-data, section 9).
 * Vector A's annotation value was written by another packer, with another level: reading must not mind.
 */
#ifndef COCOON_TESTS_INITDATA_VECTORS_H
#define COCOON_TESTS_INITDATA_VECTORS_H

/* cmocka.h wants these before it */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/hex.h"
#include "base/own.h"
#include "codec/json.h"

#define VECTOR_A_AA                              \
	"[token_configs]\n[token_configs.kbs]\n" \
	"url = \"http://127.0.0.1:8080\"\n"
#define VECTOR_A \
	"version = \"0.1.0\"\nalgorithm = \"sha384\"\n\n[data]\n\"aa.toml\" = '''\n" VECTOR_A_AA "'''\n"
#define VECTOR_A_SHA256 "514f5f2a12f27d150b809ba8840d436c0b7026dd7d52fb4ac717a0b6e5a374a0"
#define VECTOR_A_SHA384                                                    \
	"fde4f63013a28cedd4fe61082fc634d252c937440d859dcf008cdfad5c09a6bc" \
	"dc14bf4f862683952bcb1770d83897f1"
#define VECTOR_A_SHA512                                                    \
	"075da718010380f957093022179d6cbff21697fffe775c6d2fc4c264439c005d" \
	"e09893b7ba7c652f84e6eaef2b2c7a3cb44a574d7c310c043e7515274df10e14"
#define VECTOR_A_SHA384_B64 "/eT2MBOijO3U/mEIL8Y00lLJN0QNhZ3PAIzfrVwJprzcFL9PhiaDlSvLF3DYOJfx"
#define VECTOR_A_PCR8       "6c22156cd512a25cbcb747a5f0f014bc64037cd86362f27241eb06273d7db2c7"
#define VECTOR_A_ANNOTATION                                                                        \
	"H4sIAAAAAAAC/ytLLSrOzM9TsFVQMtAz1DNQ4krMSc8vyizJyAWJFWckGluYKHFxRackliTGciklJuqV5OfmKAEl" \
	"1dXVuaJL8rNT8+KT8/PSMtOLY9H4etlJQLHSohyQURklJQVW+vqGRuZ6BkBoaGVhYAG0DmQKAGait12FAAAA"
#define VECTOR_A_IMAGE_HEAD "696e6974646174618100000000000000"

#define VECTOR_B_AA         "[token_configs.kbs]\nurl = \"http://127.0.0.1:8080\"\n"
#define VECTOR_B \
	"version = \"0.1.0\"\nalgorithm = \"sha256\"\n\n[data]\n\"aa.toml\" = '''\n" VECTOR_B_AA "'''\n"
#define VECTOR_B_SHA256     "e2cee302008783a302f9481be6a48af956a408b5fbd3db05696f9f6652b405ea"
#define VECTOR_B_SHA256_B64 "4s7jAgCHg6MC+Ugb5qSK+VakCLX709sFaW+fZlK0Beo="
#define VECTOR_B_PCR8       "7d92ad941f12424a4e3481d3746518f9fd5e4173ab3e6ad10d6df316b14b89da"

#endif

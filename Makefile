# SPDX-License-Identifier: Apache-2.0
# Cocoon: the whole build. `make help` lists the targets. Output goes to out/<build>-<compiler>/ alone.

VERSION  := $(shell cat VERSION)
BUILD    ?= dev
ifeq ($(origin CC),default)
CC       := gcc
endif
COMPILER := $(notdir $(CC))
OUT      := out/$(BUILD)-$(COMPILER)
PREFIX   ?= /usr/local
DESTDIR  ?=
SECONDS_EACH ?= 60
comma    := ,
MAKEFLAGS += --no-builtin-rules
.DELETE_ON_ERROR:
.SUFFIXES:
.SECONDARY:

# ---- flags -------------------------------------------------------------------------------------------------
PACKAGES := libcurl libwebsockets jansson yaml-0.1 libcrypto libssl zlib libnghttp2 libarchive gpgme p11-kit-1 \
	tss2-esys tss2-tctildr tss2-mu tss2-rc librnp
WARN := -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition \
	-Wpointer-arith -Wcast-qual -Wcast-align -Wwrite-strings -Wundef -Wvla -Walloca -Wformat=2 -Wconversion \
	-Wno-sign-conversion -Wimplicit-fallthrough -Wswitch-enum -Wnull-dereference -Wdouble-promotion \
	-Wdate-time -Wunused-macros
HARDEN := -fstack-protector-strong -fstack-clash-protection -fcf-protection=full -fPIE
LDHARDEN := -pie -Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack -Wl,--as-needed
ifneq (,$(findstring clang,$(COMPILER)))
WARN += -Wframe-larger-than=16384 -Wno-gnu-statement-expression
else
WARN += -Wformat-signedness -Wduplicated-cond -Wduplicated-branches -Wlogical-op -Wstack-usage=16384
HARDEN += -ftrivial-auto-var-init=zero
endif

OPT_dev     := -O2 -g -D_FORTIFY_SOURCE=3
OPT_release := -O2 -D_FORTIFY_SOURCE=3 -ffile-prefix-map=$(CURDIR)=.
OPT_asan    := -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all
OPT_tsan    := -O1 -g -fsanitize=thread
OPT_cov     := -O0 -g --coverage
OPT_fuzz    := -O1 -g -fsanitize=address,undefined,fuzzer-no-link -fno-sanitize-recover=all
LINK_release := -s
# the sanitizers' own frames and checks set off these two
ifneq (,$(filter $(BUILD),asan tsan cov fuzz))
WARN += -Wno-null-dereference $(if $(findstring clang,$(COMPILER)),-Wno-frame-larger-than,-Wno-stack-usage)
endif
ifeq ($(OPT_$(BUILD)),)
$(error BUILD=$(BUILD) is not one of dev release asan tsan cov fuzz)
endif

CPPFLAGS := -iquote core -iquote . -D_GNU_SOURCE -DCOCOON_VERSION='"$(VERSION)"' \
	$(patsubst -I%,-isystem %,$(shell pkg-config --cflags $(PACKAGES) 2>/dev/null))
CFLAGS   := -std=gnu17 $(OPT_$(BUILD)) $(WARN) $(HARDEN) -fvisibility=hidden -pthread
LDFLAGS  := $(OPT_$(BUILD)) $(LDHARDEN) $(LINK_$(BUILD)) -pthread
LIBS     := $(shell pkg-config --libs $(PACKAGES) 2>/dev/null)
TESTLIBS := -lcmocka

# ---- rooms and programs ------------------------------------------------------------------------------------
CORE_SRC := $(sort $(wildcard core/*/*.c))
CORE_OBJ := $(CORE_SRC:%.c=$(OUT)/%.o)
CORE     := $(OUT)/libcore.a
# agent policies: rules and settings are files of their own, and part of the programs
EMBEDDED := $(sort $(wildcard core/agentpolicy/rules/*.rego)) core/agentpolicy/settings.json
CORE_OBJ += $(OUT)/embedded.o
PROGRAMS := $(patsubst %/main.c,%,$(sort $(wildcard controller/main.c webhook/main.c initdata-gen/main.c \
	sealed-secrets/main.c image-crypt/main.c guest/main.c)))
PROG_SRC := $(sort $(foreach p,$(PROGRAMS),$(wildcard $(p)/*.c)))
TEST_SRC := $(sort $(wildcard tests/*/test_*.c))
TESTS    := $(TEST_SRC:%.c=$(OUT)/%)
# programs that the scripts of tests/cli run on files too many or too foreign for a unit test
DRIVER_SRC := $(sort $(wildcard tests/drivers/*.c))
DRIVERS  := $(DRIVER_SRC:%.c=$(OUT)/%)
FUZZ_SRC := $(sort $(wildcard fuzz/fuzz_*.c))
FUZZERS  := $(FUZZ_SRC:%.c=$(OUT)/%)
# the development key broker is for tests and demos and is not installed
BROKER_SRC := $(sort $(wildcard e2e/kbs/*.c))
BROKER   := $(if $(wildcard e2e/kbs/main.c),$(OUT)/bin/dev-kbs)
# the offline half of the webhook is a program of its own
CHECK_SRC := $(sort $(wildcard webhook/check/*.c))
CHECK    := $(if $(wildcard webhook/check/main.c),$(OUT)/bin/policy-check)
FUZZ_LIBS := $(patsubst %,$(OUT)/lib/%.a,$(filter webhook image-crypt guest sealed-secrets,$(PROGRAMS)) \
	$(notdir $(BROKER) $(CHECK)))
# containerd's decoder is dropped on nodes of any distribution
DECODER_SRC  := $(sort $(wildcard image-crypt/decoder/*.c))
DECODER      := $(OUT)/bin/image-crypt-decoder
DECODER_LIBS := -lnghttp2 -lssl -lcrypto -ljansson -lz
# the linker's warnings are about glibc's loading of modules for names of hosts, which is wanted
DECODER_LINK := $(if $(filter $(BUILD),dev release),-static-pie -Wl$(comma)--no-warnings,-pie)
BINS     := $(foreach p,$(PROGRAMS),$(OUT)/bin/$(p)) $(DECODER) $(BROKER) $(CHECK)
SOURCES   = $(CORE_SRC) $(PROG_SRC) $(DECODER_SRC) $(BROKER_SRC) $(CHECK_SRC) $(TEST_SRC) $(DRIVER_SRC) $(FUZZ_SRC) $(wildcard fuzz/driver.c fuzz/planted.c)
HEADERS   = $(sort $(wildcard core/*/*.h $(PROGRAMS:%=%/*.h) image-crypt/decoder/*.h e2e/kbs/*.h webhook/check/*.h tests/*/*.h fuzz/*.h))

.PHONY: all one programs help clean
all: ## every program with gcc, and every object once more with clang
	+@$(MAKE) --no-print-directory CC=gcc one
	+@$(MAKE) --no-print-directory CC=clang one

one: $(BINS) $(TESTS) $(DRIVERS) $(FUZZERS)

programs: $(BINS) ## the programs alone

help: ## this list
	@awk -F':.*## ' '/^[a-z-]+:.*## / { printf "  make %-18s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# every object depends on this stamp, which changes when the compiler or its flags do
$(OUT)/flags: FORCE
	@mkdir -p $(@D)
	@printf '%s\n' '$(CC) $(subst ','\'',$(CPPFLAGS) $(CFLAGS) $(LDFLAGS))' | cmp -s - $@ || \
		printf '%s\n' '$(CC) $(subst ','\'',$(CPPFLAGS) $(CFLAGS) $(LDFLAGS))' >$@
.PHONY: FORCE
FORCE:

$(OUT)/%.o: %.c $(OUT)/flags
	@mkdir -p $(@D)
	@echo "  CC   $<"
	@$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c $< -o $@

$(OUT)/embedded.c: tools/embed.awk $(EMBEDDED) $(OUT)/flags
	@awk -f tools/embed.awk $(EMBEDDED) >$@

$(OUT)/embedded.o: $(OUT)/embedded.c
	@$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c $< -o $@

$(CORE): $(CORE_OBJ)
	@rm -f $@
	@ar rcsD $@ $^

# a program is its main.o and an archive of the rest, which its tests link too
define program
$(OUT)/lib/$(1).a: $(patsubst %.c,$(OUT)/%.o,$(filter-out %/main.c,$(sort $(wildcard $(1)/*.c))))
	@mkdir -p $$(@D)
	@rm -f $$@
	@ar rcsD $$@ $$^

$(OUT)/bin/$(1): $(OUT)/$(1)/main.o $(OUT)/lib/$(1).a $(CORE)
	@mkdir -p $$(@D)
	@echo "  LD   $$@"
	@$$(CC) $$(LDFLAGS) $$^ $$(LIBS) -o $$@

$(filter $(OUT)/tests/$(1)/%,$(TESTS)): $(OUT)/lib/$(1).a
endef
$(foreach p,$(PROGRAMS),$(eval $(call program,$(p))))

# brings everything along, unless a sanitizer is in it
$(DECODER): $(DECODER_SRC:%.c=$(OUT)/%.o) $(CORE)
	@mkdir -p $(@D)
	@echo "  LD   $@"
	@$(CC) $(filter-out -pie,$(LDFLAGS)) $(DECODER_LINK) $^ $(DECODER_LIBS) -o $@

# a program whose sources are a part of another folder: name, folder
define part
$(OUT)/lib/$(1).a: $(patsubst %.c,$(OUT)/%.o,$(filter-out %/main.c,$(sort $(wildcard $(2)/*.c))))
	@mkdir -p $$(@D)
	@rm -f $$@
	@ar rcsD $$@ $$^

$(OUT)/bin/$(1): $(OUT)/$(2)/main.o $(OUT)/lib/$(1).a $(CORE)
	@mkdir -p $$(@D)
	@echo "  LD   $$@"
	@$$(CC) $$(LDFLAGS) $$^ $$(LIBS) -o $$@

$(filter $(OUT)/tests/$(1)/%,$(TESTS)): $(OUT)/lib/$(1).a
endef
$(if $(BROKER),$(eval $(call part,dev-kbs,e2e/kbs)))
$(if $(CHECK),$(eval $(call part,policy-check,webhook/check)))

$(TESTS): $(OUT)/%: $(OUT)/%.o $(CORE)
	@echo "  LD   $@"
	@$(CC) $(LDFLAGS) $(filter %.o,$^) $(filter $(OUT)/lib/%,$^) $(CORE) $(TESTLIBS) $(LIBS) -o $@

$(DRIVERS): $(OUT)/%: $(OUT)/%.o $(CORE)
	@echo "  LD   $@"
	@$(CC) $(LDFLAGS) $^ $(LIBS) -o $@

# with libFuzzer where BUILD=fuzz asks for it, else with a driver that replays the files it is given
ifeq ($(BUILD),fuzz)
$(FUZZERS): $(OUT)/%: $(OUT)/%.o $(FUZZ_LIBS) $(CORE)
	@$(CC) $(LDFLAGS) -fsanitize=fuzzer $^ $(LIBS) -o $@
else
$(FUZZERS): $(OUT)/%: $(OUT)/%.o $(OUT)/fuzz/driver.o $(FUZZ_LIBS) $(CORE)
	@$(CC) $(LDFLAGS) $^ $(LIBS) -o $@
endif

-include $(shell find $(OUT) -name '*.d' 2>/dev/null)

# ---- tests -------------------------------------------------------------------------------------------------
.PHONY: test test-unit test-cli test-corpus test-e2e test-repro
test: one ## everything: unit, command line, corpora, reproducible build, journeys on a real cluster
	@tests/run.sh all $(OUT)

test-unit: $(TESTS) ## the rooms' unit tests
	@tests/run.sh unit $(OUT)

test-cli: $(BINS) $(DRIVERS) ## the programs, driven from outside
	@tests/run.sh cli $(OUT)

test-corpus: $(FUZZERS) ## every fuzz corpus, replayed
	@tests/run.sh corpus $(OUT)

test-e2e: one ## the journeys alone
	@tests/run.sh e2e $(OUT)

test-repro: ## two release builds in two folders are bit-identical
	@tests/run.sh repro $(OUT)

.PHONY: peers fuzz bench bench-admission bench-controller bench-image bench-keys bench-policy bench-agent-policy demo demo-image demo-secret demo-policy demo-agent-policy images
fuzz: ## libFuzzer on every target, SECONDS_EACH=60 seconds each
	+@$(MAKE) --no-print-directory BUILD=fuzz CC=clang one
	@fuzz/run.sh out/fuzz-clang $(SECONDS_EACH)

bench: bench-admission bench-controller bench-image bench-keys bench-policy bench-agent-policy ## all benchmarks

bench-admission: $(BINS) ## the webhook beside its peer
	@bench/admission.sh $(OUT)

bench-controller: $(BINS) ## the controller beside its peer
	@bench/controller.sh $(OUT)

bench-image: $(BINS) ## image-crypt and the decoder beside their peers (QUICK=1: one layer of 1 GiB on tmpfs alone)
	@bench/image.sh $(OUT)

bench-keys: $(BINS) $(OUT)/tests/drivers/kbs_load $(OUT)/tests/drivers/jose_speed ## handshake, unseal and reads of a guest, JOSE beside jwcrypto
	@bench/keys.sh $(OUT)

bench-policy: $(BINS) ## image policies in the webhook beside sigstore's policy-controller
	@bench/policy.sh $(OUT)

bench-agent-policy: $(BINS) ## agent policies from manifests beside moving and unpacking the layers
	@bench/agent-policy.sh $(OUT)

demo: ## a real cluster on this machine, a profile, and a pod that comes out confidential (KEEP=1 leaves it up)
	@e2e/demo.sh

demo-secret: ## a secret sealed in CI, a real cluster, a guest that proves itself by a TPM (software), and one that cannot
	@e2e/demo-secret.sh

demo-policy: ## an image that is encrypted and signed, and a real cluster that admits no other (KEEP=1 leaves it up)
	@e2e/demo-policy.sh

demo-agent-policy: ## from a manifest to what the host may ask of the guest: the same at home and in a real cluster (KEEP=1 leaves it up)
	@e2e/demo-agent-policy.sh

demo-image: ## a real image, encrypted for a key broker and for an RSA key, and a real node that runs it (KEEP=1 leaves it up)
	@e2e/demo-image.sh

peers: ## the programs of others that ours are held against, into out/peers
	@e2e/image-peer/build.sh
	@e2e/kbs/opa.sh
	@e2e/guest-peer/build.sh
	@e2e/sign-peer/build.sh
	@e2e/rego-peer/build.sh

images: ## container images of controller and webhook, pushed to REGISTRY (default localhost:5000)
	+@$(MAKE) --no-print-directory BUILD=release programs
	@manifests/images.sh out/release-$(COMPILER)/bin

# ---- quality -----------------------------------------------------------------------------------------------
.PHONY: lint format deps install
lint: ## format, layers, headers, banned calls, clang-tidy, shellcheck
	@tools/lint.sh $(HEADERS) -- $(SOURCES) -- $(CPPFLAGS)

format: ## rewrite the sources in the house format
	@clang-format -i $(sort $(SOURCES) $(HEADERS))

deps: ## the Debian packages and, where none is new enough, Go
	@tools/deps.sh

install: $(BINS) ## programs, man pages and completions below DESTDIR/PREFIX
	@tools/install.sh $(OUT) $(DESTDIR)$(PREFIX)

clean: ## removes out/
	@rm -rf out

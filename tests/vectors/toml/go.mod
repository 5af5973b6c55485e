// SPDX-License-Identifier: Apache-2.0
// The public TOML test corpus, pinned for tests/cli/toml-corpus.sh. Nothing here is compiled.
module cocoon/tests/vectors/toml

go 1.19

require github.com/toml-lang/toml-test/v2 v2.2.0

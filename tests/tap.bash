# SPDX-License-Identifier: Apache-2.0
# For the command line tests: sourced, with OUT as $1. Changes to a scratch folder ($work), which goes at the end, and
# defines $root, $bin and TAP checks. A suite ends with: echo "1..$number"
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd) || exit 1
bin=$(cd "$root" && realpath -- "$1/bin") || exit 1
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
number=0

# report STATUS NAME: one TAP line; what a failed check printed is shown
report() {
	number=$((number + 1))
	if [[ $1 == 0 ]]; then
		echo "ok $number - $2"
	else
		echo "not ok $number - $2"
		sed 's/^/# /' stdout stderr 2>/dev/null
	fi
}

# ok NAME COMMAND…: the command must succeed; what the one before printed is in the file `last`
ok() {
	local name=$1 status=0
	shift
	[[ ! -e stdout ]] || cp stdout last
	"$@" >stdout 2>stderr || status=$?
	report "$status" "$name"
}

# fails STATUS PATTERN NAME COMMAND…: the command must end so, and say what matches the pattern on standard error
fails() {
	local wanted=$1 pattern=$2 name=$3 status=0
	shift 3
	"$@" >stdout 2>stderr || status=$?
	if [[ $status == "$wanted" ]] && grep -q -e "$pattern" stderr && [[ ! -s stdout ]]; then
		report 0 "$name"
	else
		echo "# status $status, wanted $wanted and '$pattern'" >>stderr
		report 1 "$name"
	fi
}

# same NAME EXPECTED GOT: two texts
same() {
	[[ $2 == "$3" ]]
	local status=$?
	printf 'expected: %s\ngot:      %s\n' "$2" "$3" >stdout
	: >stderr
	report "$status" "$1"
}

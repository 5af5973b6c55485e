# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154 # $work and $root are the sourcing script's
# Runs what a page of the documentation shows: the blocks that are fenced as "console" below a comment "run", in order.
# A line "$ " begins a command, "> " goes on with it, and the lines below are what it prints; "…" stands for anything.
# Prints what differs; nothing is good.

like() { # like EXPECTED GOT
	local pattern
	pattern=$(sed -e 's/[][*?\\(|)+@!]/\\&/g' -e 's/…/*/g' <<<"$1")
	# shellcheck disable=SC2053 # a pattern it is
	[[ $2 == $pattern ]]
}

step() { # step COMMAND EXPECTED
	local got
	got=$(bash -c "$1" 2>&1 </dev/null)
	like "$2" "$got" || printf '$ %s\nexpected:\n%s\ngot:\n%s\n' "$1" "$2" "$got"
}

run_page() { # run_page PAGE: in a folder of its own, from where e2e and crds are those of the repository
	local command='' expected='' line reading=false folder steps=0
	folder=$work/$(basename "$1" .md)
	mkdir -p "$folder"
	cd "$folder" || return
	ln -sfn "$root/e2e" e2e && ln -sfn "$root/crds" crds
	while IFS= read -r line; do
		case $line in
		"\$ "* | END_OF_BLOCK)
			[[ -z $command ]] || step "$command" "$expected"
			command=${line#"$ "} expected='' reading=true steps=$((steps + 1))
			[[ $line != END_OF_BLOCK ]] || command=''
			;;
		"> "* | ">")
			if $reading; then
				line=${line#>}
				command+=$'\n'${line# }
			else
				expected+=${expected:+$'\n'}$line
			fi
			;;
		*) reading=false expected+=${expected:+$'\n'}$line ;;
		esac
	done < <(awk '/^<!-- run -->$/ { marked = 1; next } /^```console$/ && marked { inside = 1; next }
		/^```$/ && inside { inside = marked = 0; print "END_OF_BLOCK" } inside' "$root/$1")
	((steps > 1)) || echo "$1: nothing was run"
}

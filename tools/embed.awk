# SPDX-License-Identifier: Apache-2.0
# Files as C texts: embed.awk FILE…; names that end in .rego are put one behind the other, without comments, blank lines,
# indentation and the package line of all but the first; settings.json is taken as it is.
function quote(line) {
	gsub(/\\/, "&&", line)
	gsub(/"/, "\\\"", line)
	return "\t\"" line "\\n\"\n"
}
FILENAME ~ /\.rego$/ {
	sub(/^[ \t]+/, "")
	sub(/[ \t]+$/, "")
	if ($0 == "" || /^#/ || ($1 == "package" && packages++))
		next
	rules = rules quote($0)
	next
}
{ settings = settings quote($0) }
END {
	print "#include \"agentpolicy/embedded.h\"\n"
	print "const char agent_rules_text[] =\n" rules "\t\"\";"
	print "const char agent_settings_text[] =\n" settings "\t\"\";"
}

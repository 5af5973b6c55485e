# SPDX-License-Identifier: Apache-2.0
# Finds calls of functions that this house does not use, outside of comments, strings and character constants.
# Usage: awk -f tools/banned.awk FILE…      prints FILE:LINE: what, and exits 1 when there was something.
#
# getenv is a matter of the programs' settings (PROGRAM/main.c, PROGRAM/settings*.c) and of tests alone.

# The line without comments and quoted text; `inside` carries an open comment over to the next line.
function code(line,    out, c, two) {
	out = ""
	while (line != "") {
		if (inside) {
			c = index(line, "*/")
			if (!c)
				return out
			line = substr(line, c + 2)
			inside = 0
			continue
		}
		two = substr(line, 1, 2)
		c = substr(line, 1, 1)
		if (two == "/*") {
			inside = 1
			line = substr(line, 3)
		} else if (two == "//") {
			return out
		} else if (c == "\"" || c == "'") {
			out = out c c
			line = substr(line, 2)
			while (line != "" && substr(line, 1, 1) != c)
				line = substr(line, substr(line, 1, 1) == "\\" ? 3 : 2)
			line = substr(line, 2)
		} else {
			out = out c
			line = substr(line, 2)
		}
	}
	return out
}

BEGIN {
	words = "strcpy|stpcpy|strcat|strncpy|strncat|sprintf|vsprintf|strtok|atoi|atol|atoll|atof|gets|alloca|system|" \
		"popen|rand|srand|random|srandom|strerror|tmpnam|mktemp|asctime|ctime|gmtime|localtime|bzero"
}

FNR == 1 {
	inside = 0
	here = FILENAME ~ /^(core|fuzz)\// || (FILENAME !~ /^tests\// && FILENAME !~ /\/(main|settings[^\/]*)\.c$/)
	pattern = "(^|[^A-Za-z0-9_.>])(" words (here ? "|getenv|secure_getenv" : "") ")[ \t]*\\("
}

{
	line = code($0)
	while (match(line, pattern)) {
		call = substr(line, RSTART, RLENGTH)
		gsub(/[^A-Za-z0-9_]/, "", call)
		printf "%s:%d: %s() is not used in this house\n", FILENAME, FNR, call
		findings++
		line = substr(line, RSTART + RLENGTH)
	}
}

END {
	exit findings > 0
}

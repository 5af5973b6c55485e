# SPDX-License-Identifier: Apache-2.0
# Checks every #include of rooms and programs against the table core/LAYERS.
# Usage: awk -f tools/layers.awk core/LAYERS FILE…      prints FILE:LINE: what, and exits 1 when there was something.
#
# A file's room is the folder it stands in: core/ROOM/… or PROGRAM/…. Files elsewhere (tests, fuzz) may include any.
# A header in <…> is either one of the C library and the kernel, listed here, or a library's, which the room's third
# column must grant: by its name, or by its folder. What neither knows is refused.

function trim(text) {
	gsub(/^[ \t]+|[ \t]+$/, "", text)
	return text
}

function find(text) {
	printf "%s:%d: %s\n", FILENAME, FNR, text
	findings++
}

BEGIN {
	split("assert ctype dirent dlfcn endian errno fcntl fnmatch ftw getopt glob grp ifaddrs inttypes langinfo libgen " \
		"limits locale malloc math mntent netdb poll pthread pwd regex sched search semaphore setjmp signal spawn " \
		"stdalign stdarg stdatomic stdbool stddef stdint stdio stdlib stdnoreturn string strings syslog " \
		"termios threads time ucontext unistd wchar wctype", names, " ")
	for (i in names)
		system_header[names[i] ".h"] = 1
	split("arpa asm linux net netinet sys", names, " ")
	for (i in names)
		system_folder[names[i]] = 1
}

# the table
NR == FNR {
	if (/^[ \t]*(#|$)/)
		next
	if (split($0, column, "|") != 3) {
		find("not 'room | rooms | headers'")
		next
	}
	room = trim(column[1])
	known[room] = 1
	count = split(trim(column[2]), names, /[ \t]+/)
	for (i = 1; i <= count; i++)
		if (names[i] in known)
			allowed[room, names[i]] = 1
		else
			find("room '" room "' may include '" names[i] "', which has no line above")
	allowed[room, room] = 1
	count = split(trim(column[3]), names, /[ \t]+/)
	for (i = 1; i <= count; i++)
		granted[room, names[i]] = 1
	next
}

FNR == 1 {
	split(FILENAME, path, "/")
	room = path[1] == "core" ? path[2] : path[1]
	free = path[1] == "tests" || path[1] == "fuzz"
	if (!free && !(room in known))
		find("the room '" room "' is not in core/LAYERS")
}

/^[ \t]*#[ \t]*include[ \t]*"/ {
	split($0, quoted, "\"")
	if (split(quoted[2], path, "/") < 2) {
		find("\"" quoted[2] "\" is included without its room")
		next
	}
	if (free || !(room in known))
		next
	if (!(path[1] in known))
		find("\"" quoted[2] "\" is of no room of core/LAYERS")
	else if (!((room, path[1]) in allowed))
		find("'" room "' may not include '" path[1] "' (\"" quoted[2] "\")")
}

/^[ \t]*#[ \t]*include[ \t]*</ {
	header = $0
	sub(/^[^<]*</, "", header)
	sub(/>.*/, "", header)
	folder = header
	sub(/\/.*/, "", folder)
	if (free || !(room in known) || header in system_header || (header != folder && folder in system_folder))
		next
	if (!((room, header) in granted) && !(header != folder && (room, folder) in granted))
		find("'" room "' may not include the library header <" header ">")
}

END {
	exit findings > 0
}

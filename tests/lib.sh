# shellcheck shell=bash
# What the shell tests share: each check prints one PASS or FAIL line.

pass() { printf 'PASS %s\n' "$1"; }
fail() { # NAME [DETAIL]
	printf 'FAIL %s\n' "$1${2:+: $2}"
}

# is NAME GOT WANTED
is() {
	if [ "$2" = "$3" ]; then
		pass "$1"
	else
		fail "$1" "got '${2:0:300}', wanted '${3:0:300}'"
	fi
}

# has NAME TEXT PART: the text contains the part.
has() {
	case $2 in
	*"$3"*) pass "$1" ;;
	*) fail "$1" "no '$3' in '${2:0:300}'" ;;
	esac
}

# same NAME WANTED-FILE GOT-FILE
same() {
	if cmp -s "$2" "$3"; then
		pass "$1"
	else
		fail "$1" "$(cmp "$2" "$3" 2>&1)"
		diff -a "$2" "$3" | head -n 20
	fi
}

# portolan ARGUMENT...: runs a command on a booted system, with a limit of its own: LIMIT seconds of a quiet machine. With
# BOOT_WORDS in the environment on the kernel's command line, where the test has no words of its own. On CPUS processors, if
# that is in the environment; several run at once, which with --icount they would not.
portolan() {
	local argument arguments=()
	for argument; do
		[ "${CPUS:-1}" -gt 1 ] && [ "$argument" = --icount ] || arguments+=("$argument")
	done
	"$PORTOLAN" run --patience "${LIMIT:-60}" --boot-words "${BOOT_WORDS:-}" "${arguments[@]}"
}

# boots CLAIM COMMAND [OPTION]... <WANTED: a booted system ends the command well, says what is wanted, and nothing panics. What it said is
# in "out", the console in "err".
boots() {
	local claim=$1 command=$2
	shift 2
	cat >wanted
	portolan --verbose "$@" -- "$command" >out 2>err </dev/null
	is "the system ends well" $? 0
	same "$claim" wanted out
	is "no panic" "$(grep -aic panic err)" 0
}

# partition IMAGE: the name by which e2fsck and debugfs find the file system in a root disk.
partition() { printf '%s?offset=1048576' "$1"; }

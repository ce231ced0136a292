# shellcheck shell=bash
# Ends by signals, for scripts whose children outlive a terminal's Ctrl-C: SIGINT, SIGTERM and SIGHUP end the children that
# run_child and wait_child wait for, then the script, by the same signal (status 128 + its number), after its function "clean",
# if it has one.

signals_children='' # the processes that are waited for
signals_caught=''

signals_die() { # SIGNAL
	trap - EXIT INT TERM HUP
	if declare -F clean >/dev/null; then
		clean
	fi
	kill -s "$1" $$
}

signals_on() { # SIGNAL
	signals_caught=$1
	if [ -n "$signals_children" ]; then
		# shellcheck disable=SC2086 # several
		kill -s TERM $signals_children 2>/dev/null # the wait for them goes on when they are gone
	else
		signals_die "$1"
	fi
}

for signals_name in INT TERM HUP; do
	# shellcheck disable=SC2064 # the name of now
	trap "signals_on $signals_name" $signals_name
done
if declare -F clean >/dev/null; then
	trap clean EXIT
fi

# run_child COMMAND...: its status.
run_child() {
	"$@" <&0 &
	signals_children=$!
	wait_child
}

# Waits for one of the background processes in signals_children, which it takes out: its status, and its id in $ended.
wait_child() {
	local status id left=
	ended=
	# shellcheck disable=SC2086 # several
	wait -n -p ended $signals_children 2>/dev/null
	status=$?
	if [ -n "$signals_caught" ]; then
		for id in $signals_children; do
			while kill -0 "$id" 2>/dev/null; do
				wait "$id"
			done
		done
		signals_die "$signals_caught"
	fi
	# One that was gone before: its status is kept, but "wait -n" may not know it.
	for id in $signals_children; do
		if [ -z "${ended:-}" ] && ! kill -0 "$id" 2>/dev/null; then
			wait "$id"
			status=$?
			ended=$id
		fi
		[ "$id" = "${ended:-}" ] || left+="$id "
	done
	signals_children=$left
	return $status
}

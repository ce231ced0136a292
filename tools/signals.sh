# shellcheck shell=bash
# Ends by signals, for scripts whose children outlive a terminal's Ctrl-C: SIGINT, SIGTERM and SIGHUP end the child that
# run_child waits for, then the script, by the same signal (status 128 + its number), after its function "clean", if it has one.

signals_child='' # the process that run_child waits for
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
	if [ -n "$signals_child" ]; then
		kill -s TERM "$signals_child" 2>/dev/null # run_child goes on when it is gone
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
	local status
	"$@" <&0 &
	signals_child=$!
	wait_child
}

# Waits for the background process in signals_child; its status.
wait_child() {
	local status
	wait "$signals_child"
	status=$?
	while [ -n "$signals_caught" ] && kill -0 "$signals_child" 2>/dev/null; do
		wait "$signals_child"
	done
	signals_child=
	[ -z "$signals_caught" ] || signals_die "$signals_caught"
	return $status
}

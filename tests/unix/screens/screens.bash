# Programs that need a terminal, in one: what is on their screens. The same here and on Linux (test): in a folder of its own.
# screens.bash PART...
export TERM=xterm LANG=C.UTF-8 LC_ALL=C.UTF-8 HOME=$PWD PS1='$ ' SHELL=/bin/bash PATH=/usr/bin:/bin:/usr/sbin:/sbin
export TMUX_TMPDIR=$PWD SCREENDIR=$PWD/screen EDITOR=vi
unset TMUX STY HISTFILE
patience=${PATIENCE:-300} # tenths

t() { tmux -L t -f /dev/null "$@"; }
# Begins a terminal of 80x24 with a command in it.
begin() { t new-session -d -s s -x 80 -y 24 "$@" && t set -g status off && t resize-window -x 80 -y 24; }
end() {
	t kill-server 2>/dev/null
	for ((i = 0; i < patience; i++)); do
		t has-session 2>/dev/null || return
		sleep 0.1
	done
}
keys() { t send-keys -t s "$@"; }
screen_now() { t capture-pane -p -t s; }
# Waits until a line of the screen fits.
until_there() {
	for ((i = 0; i < patience; i++)); do
		screen_now | grep -qE -- "$1" && return
		sleep 0.1
	done
	echo "never there: $1; but"
	screen_now
}
# The screen without its empty end.
shot() {
	echo "== $1"
	screen_now | sed -e 's/ *$//' | sed -e :a -e '/^\n*$/{$d;N;ba' -e '}'
}

part_script() {
	script -qec 'tty | sed s,[0-9]*$,N,; stty size; stty -a | grep -o "[-]*echo "; echo done' typescript </dev/null | tr -d '\r'
	echo "status ${PIPESTATUS[0]}"
	grep -c done typescript
	script -qec 'exit 7' /dev/null </dev/null
	echo "status $?"
	script -qec 'kill -TERM $$' /dev/null </dev/null
	echo "status $?"
}

part_expect() {
	expect -c '
		log_user 0
		set timeout 60
		spawn env {PS1=$ } bash --norc
		expect "$ " { send "read -p \"na\"\"me: \" x; echo \"<\$x>\"\r" }
		expect "name: " { send "Anna\r" }
		expect "<Anna>" { puts "answered" }
		expect "$ " { send "stty -echo; cat\r" }
		sleep 0.5
		send "silent\r"
		expect -re "silent\r\n" { puts "once, from cat: $expect_out(0,string)" }
		send "\003"
		expect "$ " { puts "interrupted" }
		send "stty echo; sleep 1000\r"
		sleep 0.5
		send "\032"
		expect "Stopped" { puts "stopped" }
		send "jobs; bg; kill %1; wait; echo over\r"
		expect "\nover" { puts "over" }
		send "exit 5\r"
		expect eof { puts "end" }
		puts "status [lindex [wait] 3]"
		spawn cat
		close
		puts "closed: [lindex [wait] 4]"
		for {set i 0} {$i < 20} {incr i} { spawn true; expect eof; wait }
		puts "twenty"
	' | tr -d '\r'
}

part_tmux() {
	begin 'PS1="\$ " exec bash --norc'
	until_there '^\$'
	keys 'echo "hällo $((6*7))"' Enter
	until_there '^hällo 42'
	keys 'tty | sed s,[0-9]*$,N,; stty size' Enter
	until_there '24 80'
	keys 'sleep 1000' Enter
	sleep 1
	keys C-z
	until_there 'Stopped'
	keys 'fg' Enter
	sleep 1
	keys C-c
	keys 'echo "status $?"' Enter
	until_there 'status 130'
	shot 'a shell'
	t resize-window -x 100 -y 30
	keys 'clear; stty size' Enter
	until_there '30 100'
	shot 'another size'
	keys 'clear; trap "stty size" WINCH' Enter
	sleep 1
	t resize-window -x 90 -y 20
	until_there '20 90'
	shot 'its signal'
	t split-window -t s 'echo second; exec cat'
	sleep 1
	t send-keys -t s 'to cat' Enter
	until_there 'to cat'
	shot 'a second one'
	t kill-pane -t s
	sleep 1
	t list-panes -t s -F '#{pane_width}x#{pane_height} #{pane_current_command}'
	keys 'exit' Enter
	for ((i = 0; i < patience; i++)); do
		t has-session 2>/dev/null || break
		sleep 0.1
	done
	t has-session 2>/dev/null || echo 'the server has ended with its last shell'
	end
}

part_vim() {
	printf 'one\ntwo\nthree\n' >text
	vim -u NONE -es -c '%s/two/2/' -c 'wq' text </dev/null
	cat text
	begin 'vim -u NONE -N -i NONE -n text'
	until_there '^three'
	keys Go 'fünf' Escape
	until_there '^fünf'
	keys gg x
	until_there '^ne'
	shot 'vim'
	keys ':!echo from a shell' Enter
	until_there 'from a shell'
	keys Enter
	until_there '^ne'
	keys C-z
	keys ':set columns? lines?' Enter
	sleep 1
	keys ':wq' Enter
	for ((i = 0; i < patience; i++)); do
		t has-session 2>/dev/null || break
		sleep 0.1
	done
	cat text
	end
}

part_less() {
	seq 1 500 >numbers
	begin 'less numbers'
	until_there '^numbers'
	shot 'less'
	keys Space
	until_there '^46'
	keys /499 Enter
	until_there '^500'
	shot 'the end'
	t resize-window -x 40 -y 10
	keys g
	until_there '^1$'
	shot 'less of it'
	keys q
	end
}

part_nano() {
	begin 'nano -I note'
	until_there 'New File|New Buffer'
	keys 'a note' Enter 'zwei' Enter
	until_there '^zwei'
	shot 'nano'
	keys C-o
	until_there 'File Name'
	keys Enter
	until_there 'Wrote'
	keys C-x
	for ((i = 0; i < patience; i++)); do
		t has-session 2>/dev/null || break
		sleep 0.1
	done
	cat note
	end
}

part_screen() {
	mkdir -p -m 700 screen
	screen -c /dev/null -dmS one bash --norc
	for ((i = 0; i < patience; i++)); do
		screen -ls | grep -q '\.one' && break
		sleep 0.1
	done
	screen -S one -X stuff $'echo in screen; tty | sed s,[0-9]*$,N,; echo made >made\n'
	for ((i = 0; i < patience; i++)); do
		[ -s made ] && break
		sleep 0.1
	done
	cat made
	screen -S one -X hardcopy "$PWD/copy"
	for ((i = 0; i < patience; i++)); do
		[ -s copy ] && break
		sleep 0.1
	done
	grep -E '^(in screen|/dev/pts)' copy
	begin 'screen -c /dev/null -r one'
	until_there '^in screen'
	keys 'echo at$((1+1))tached' Enter
	until_there '^at2tached'
	keys C-a d
	for ((i = 0; i < patience; i++)); do
		screen -ls | grep -q '\.one.*Detached' && break
		sleep 0.1
	done
	screen -ls | grep -c Detached
	screen -S one -X quit
	for ((i = 0; i < patience; i++)); do
		screen -ls | grep -q '\.one' || break
		sleep 0.1
	done
	screen -ls | grep -c '\.one'
	end
}

part_htop() {
	begin 'htop --no-color -d 5'
	until_there 'Load average'
	until_there 'htop'
	echo 'htop shows the load'
	screen_now | grep -o 'F1Help.*F10Quit' | sed 's/  */ /g'
	screen_now | grep -oE '(Tasks|Uptime|Load average|Mem|Swp)' | sort -u
	keys F5
	until_there 'F5List'
	keys F10
	for ((i = 0; i < patience; i++)); do
		t has-session 2>/dev/null || break
		sleep 0.1
	done
	t has-session 2>/dev/null || echo 'and ends'
	end
}

for part; do
	echo "### $part"
	"part_$part"
done

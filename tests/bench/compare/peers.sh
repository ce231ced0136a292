# Other systems that bench compare boots beside Linux: each a function here, called by other_peers. To add one: a kernel or an image, a
# program that prints rows of the same names with the marks of measure.h, and "end"; doc/comparison.md.

# GNU Mach of Debian for 32 bits (the kernel of its amd64 package is no image that QEMU loads by itself), unpacked below build/, not
# installed; apt's lists of that architecture stay there, too.
gnumach_kernel() {
	local lists=$work/apt apt=(apt-get -q -o APT::Sandbox::User=root -o APT::Architectures::=amd64 -o APT::Architectures::=i386)
	if ! compgen -G "$work/gnumach/boot/gnumach-*-486" >/dev/null; then
		say "fetching gnumach-image-1.8-486 for the GNU Mach column (once)"
		mkdir -p "$lists/partial" "$work/gnumach/deb" && chmod 755 "$lists" "$lists/partial" "$work/gnumach/deb"
		apt+=(-o "Dir::State::lists=$lists")
		"${apt[@]}" update >"$work/gnumach/apt.log" 2>&1 # some of its files may be missing: the next command decides
		(cd "$work/gnumach/deb" && "${apt[@]}" download gnumach-image-1.8-486:i386) >>"$work/gnumach/apt.log" 2>&1 || {
			say "cannot fetch it (see $work/gnumach/apt.log); no GNU Mach column"
			return 1
		}
		dpkg-deb --fsys-tarfile "$work"/gnumach/deb/gnumach-image-*.deb | tar -x -C "$work/gnumach" --wildcards './boot/gnumach-*' &&
			gunzip "$work"/gnumach/boot/gnumach-*.gz || return 1
		basename "$work"/gnumach/deb/*.deb | cut -d _ -f 2 | sed 's/%3a/:/' >"$work/gnumach/version"
		rm -rf "$work/gnumach/deb" "$lists"
	fi
	gnumach=$(compgen -G "$work/gnumach/boot/gnumach-*-486" | head -n 1)
}

gnumach_job() { # NAME OPTIONS OF QEMU...
	local name=$1 qemu tries
	shift
	printf '%s\tqemu-system-x86_64 -machine pc -m 256 -accel tcg -cpu max,-erms -icount shift=0,sleep=off -kernel %s -append console=com0 -initrd (the task) %s\n' \
		"$name" "$(basename "$gnumach")" "${*//$BUILD/build}" >>"$raw/commands"
	# shellcheck disable=SC2016 # the boot script's own dollars
	timeout 300 qemu-system-x86_64 -machine pc -m 256 -display none -no-reboot -net none -accel tcg -cpu max,-erms \
		-icount shift=0,sleep=off -rtc base=2026-01-01T00:00:00,clock=vm -kernel "$gnumach" -append console=com0 \
		-initrd "$work/gnumach/task bench \$(task-create) \$(task-resume)" "$@" \
		-serial "file:$raw/$name.out" -monitor none </dev/null 2>"$raw/$name.err" &
	qemu=$!
	signals_children=$qemu
	# The task has no way to power off.
	for ((tries = 0; tries < 1500; tries++)); do
		kill -0 $qemu 2>/dev/null || break
		tr -d '\r' <"$raw/$name.out" 2>/dev/null | grep -aqE '^(end$|failed)' && break
		sleep 0.2
	done
	kill $qemu 2>/dev/null
	wait $qemu 2>/dev/null
}

other_peers() {
	gnumach_kernel || return 0
	gcc -m32 -O2 -Wall -Wextra -ffreestanding -fno-pie -no-pie -fno-stack-protector -mno-sse -nostdlib -static \
		-Wl,-Ttext=0x8048000 -Wl,--build-id=none -o "$work/gnumach/task" "$here/compare/gnumach/task.c" 2>"$work/gnumach/gcc.log" || {
		say "the compiler makes no programs of 32 bits (see $work/gnumach/gcc.log); no GNU Mach column"
		return 0
	}
	boot gnumach_job gnumach.task
	job gnumach_job gnumach.task.events -plugin "$plugin,out=${raw//,/,,}/gnumach.task.events,lines=on,bits=32,kernel=0xc0000000"
}

# Debian's Linux as the system beside: for the scripts of this folder, which have set "work", "BUILD" and "say".

# Debian's kernel, unpacked below build/, not installed: "kernel" and "linux_package" name it.
linux_kernel() {
	local package
	if ! compgen -G "$work/linux/boot/vmlinuz-*" >/dev/null; then
		package=$(apt-cache depends linux-image-amd64 2>/dev/null | sed -n 's/^ *Depends: *\(linux-image-[0-9].*\)/\1/p' | head -n 1)
		if [ -z "$package" ]; then
			say "apt knows no linux-image-amd64; no Linux column"
			return 1
		fi
		say "fetching $package for the Linux column (once)"
		mkdir -p "$work/deb"
		(cd "$work/deb" && chmod 755 . && apt-get -q -o APT::Sandbox::User=root download "$package") >"$work/download.log" 2>&1 || {
			say "cannot fetch it (see $work/download.log); no Linux column"
			return 1
		}
		dpkg-deb --fsys-tarfile "$work"/deb/linux-image-*.deb | tar -x -C "$work" --wildcards --one-top-level=linux './boot/vmlinuz-*'
		rm -rf "$work/deb"
	fi
	kernel=$(compgen -G "$work/linux/boot/vmlinuz-*" | head -n 1)
}

# linux_boot FOLDER MIB-OF-MEMORY OUTPUT [OPTIONS of QEMU...]: boots with the folder, which has an init, as root.
linux_boot() {
	local dir=$1 memory=$2 output=$3 status
	shift 3
	(cd "$dir" && find . | LC_ALL=C sort | busybox cpio -o -H newc 2>/dev/null | gzip -1) >"$output.initramfs"
	run_child timeout 900 qemu-system-x86_64 -machine pc -m "$memory" -display none -no-reboot -net none -accel tcg -cpu max,-erms \
		-icount shift=0,sleep=off -rtc base=2026-01-01T00:00:00,clock=vm -kernel "$kernel" -initrd "$output.initramfs" "$@" \
		-append "console=ttyS0 quiet panic=-1" -serial stdio -monitor none </dev/null 2>"$output.err" >"$output.raw"
	status=$?
	rm -f "$output.initramfs"
	tr -d '\r' <"$output.raw" >"$output"
	rm -f "$output.raw"
	return $status
}

# linux_root FOLDER PROGRAM: a root that has nothing but the program.
linux_root() {
	rm -rf "$1"
	mkdir -p "$1"/{dev,tmp,proc}
	cp "$2" "$1/init"
}

# What becomes of /tmp when its server dies; $1 has the killer end it.
once() { # COMMAND...: again when it failed
	"$@" 2>/dev/null || "$@"
}
cp /bin/busybox /tmp/tool
echo before >/tmp/old
mkdir /tmp/folder
exec 3</tmp/old
echo >"$1"
until [ ! -e /tmp/folder ]; do
	ls "/tmp/folder/$n" >/dev/null 2>&1
	n=$((n + 1))
	[ $n -lt 3000 ] || break
done
once sh -c 'echo after >/tmp/new'
once mkdir /tmp/folder
echo more >/tmp/folder/more
echo "new: $(cat /tmp/new) $(cat /tmp/folder/more)"
cat /tmp/old 2>&1
read -r line <&3 && echo "an old open file: $line" || echo "an old open file: error"
exec 3<&-
/tmp/tool true 2>&1
ls /tmp

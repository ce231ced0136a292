# The real input: run as "sh script.sh TREE WORK"; reads the tree of make-tree, writes below WORK, reports on standard output.
tree=$1 work=$2
rm -rf "$work"
mkdir -p "$work/copy" "$work/notes" || exit 1
cd "$work" || exit 1
count() { wc -l | tr -d ' '; }
title() {
	printf '== %s\n' "$*"
}
average() { awk '{ n++; s += $1 } END { if (n) printf "%d lines, average %.3f\n", n, s / n }'; }
title files
find "$tree" -type f | count
find "$tree" -type d | sort | sed "s,^$tree,TREE,"
find "$tree" -name '*.c' -size +3 | sort | sed 's,.*/part,part,' | head -n 12
title words
grep -rh 'quick' "$tree" | cut -d ' ' -f 2 | sort | uniq -c | sort -k1,1nr -k2 | head -n 9
grep -rl '^file 4[0-9] of' "$tree" | sort | sed 's,.*/,,' | sort | uniq -c
cat "$tree"/part3/*.txt | average
title sums
(cd "$tree" && find . -type f | sort | xargs md5sum) > sums
md5sum < sums
awk '{ print substr($1, 1, 1) }' sums | sort | uniq -c
title archive
tar -C "$tree" -cf part5.tar part5 && gzip -9 part5.tar && gzip -t part5.tar.gz && echo packed
tar -C copy -xzf part5.tar.gz
diff -r "$tree/part5" copy/part5 && echo same
tar -tzf part5.tar.gz | count
title edit
for f in copy/part5/*.txt; do
	sed -i -e 's/quick/slow/' -e '2d' "$f"
done
cat copy/part5/*.txt | grep -c slow
diff "$tree/part5/file1.txt" copy/part5/file1.txt | sed "s,$tree,TREE,"
title loops
n=0
while read -r sum name; do
	n=$((n + 1))
	case $name in
	*/sub/*) subs=$((${subs:-0} + 1)) ;;
	*.c) cs="${cs}c" ;;
	esac
	[ $n -ge 200 ] && break
done < sums
echo "$n lines, $subs below, ${#cs} sources"
i=0
until [ $i -eq 5 ]; do i=$((i + 1)); mkdir notes/$i; cat > notes/$i/note <<END; done
note $i of $(ls notes | count)
  square: $((i * i))
END
cat notes/*/note
cat <<'END' | sed -n '/b/,/d/p'
a $HOME
b `date`
c
d
END
title status
false || echo "false said $?"
(exit 7); echo "a subshell said $?"
sh -c 'kill -TERM $$'; echo "killed: $?"
nosuchcommand 2>/dev/null; echo "not found: $?"
{ echo out; echo err >&2; } 2>&1 >/dev/null | tr a-z A-Z
yes | head -n 3 | tr '\n' ' '; echo
title names
mv notes/1/note notes/moved && ln notes/moved notes/hard && ln -s moved notes/soft
cat notes/soft; stat -c '%h %s %F %a' notes/hard notes/soft
chmod 640 notes/hard; ls -l notes | awk 'NR > 1 { print $1, $NF }' | sort
rm -r notes/2 copy; ls -a . notes | sort | uniq
title parallel
for i in 1 2 3 4; do (seq $((i * 1000)) | awk '{ s += $1 } END { print s }' > job$i) & done; wait
cat job1 job2 job3 job4
trap 'echo "ended with $?"' EXIT
exit 5

# What a shell with a dynamic linker does, and perl from it: the same output here as on Linux.
set -u
declare -A colour=([sky]=blue [grass]=green)
list=(one two "three four")
for key in $(printf '%s\n' "${!colour[@]}" | sort); do echo "$key ${colour[$key]}"; done
echo "${#list[@]} ${list[2]^^} ${list[*]:0:2}"
sum=0
while read -r n; do sum=$((sum + n)); done < <(seq 1 100)
echo "sum $sum"
printf -v now '%(%s)T' -1
[ "$now" -gt 1500000000 ] && echo 'the clock runs'
f() { local x=$1; [ "$x" -le 1 ] && echo 1 || echo $((x * $(f $((x - 1))))); }
f 10
(exit 7) || echo "status $?"
trap 'echo trapped' USR1
kill -USR1 $$
coproc cat
echo 'through a coprocess' >&"${COPROC[1]}"
read -r line <&"${COPROC[0]}"
echo "$line"
eval "exec ${COPROC[1]}>&-"
wait
perl -e '
	my %h = map { $_ => length } qw(a bb ccc);
	print join(",", map { "$_=$h{$_}" } sort keys %h), "\n";
	my $pid = open(my $child, "-|") // die;
	if (!$pid) { print "from a child\n"; exit 3 }
	print while <$child>;
	close $child;
	print "status ", $? >> 8, "\n";
	my $text = "the quick brown fox";
	(my $copy = $text) =~ s/(\w+)/\u$1/g;
	print "$copy ", scalar(reverse $text), "\n";
	printf "%.3f %e %x\n", atan2(1, 1) * 4, 1e10 / 3, 255;
	local $SIG{ALRM} = sub { print "alarm\n" };
	alarm 1; select undef, undef, undef, 3;
	print time() > 1500000000 ? "time\n" : "no time\n";
'

# stress.sh SEED DIR SECONDS: rounds of four random jobs at once, for so long, and four at least; a line "WRONG ..." for all that is not as it must be.
seed=$1 dir=$2 secs=$3
rnd() { seed=$(( (seed * 1103515245 + 12345) & 0x7fffffff )); r=$(( (seed >> 8) % $1 )); }
mkdir -p $dir; cd $dir || exit 1
want() { [ "$2" = "$3" ] || echo "WRONG $1: got '$2' wanted '$3'"; }
files() { # N: a tree with N files, found, packed, unpacked, removed
	rm -rf t$1; mkdir t$1 t$1/a t$1/b
	i=0; while [ $i -lt $2 ]; do echo "file $i of $1" > t$1/a/f$i; i=$((i+1)); done
	seq 1 2000 > t$1/b/big
	want "find $1" "$(find t$1 -type f | wc -l)" $(($2+1))
	tar cf - t$1 | gzip -1 > t$1.tgz
	want "tar $1" "$(gzip -dc t$1.tgz | tar tf - | wc -l)" $(($2+4))
	mkdir u$1; gzip -dc t$1.tgz | tar xf - -C u$1
	want "diff $1" "$(diff -r t$1 u$1/t$1 | wc -l)" 0
	want "grep $1" "$(grep -r "of $1" u$1 | wc -l)" $2
	rm -r t$1 u$1 t$1.tgz
}
pipes() { # ID N
	i=0; while [ $i -lt $2 ]; do
		want "pipe $1" "$(seq 1 300 | sed s/1/x/ | sort | tr x 1 | sort -n | tail -n 1)" 300
		i=$((i+1)); done
}
findroot() { n=$(find / -xdev 2>/dev/null | wc -l); [ $n -gt 100 ] || echo "WRONG find $n"; find /proc >/dev/null 2>&1; }
findwc() { i=0; while [ $i -lt 3 ]; do n=$(find / 2>/dev/null| wc -l); [ $n -gt 100 ] || echo "WRONG find $n"; i=$((i+1)); done; }
signals() { # ID N
	i=0; while [ $i -lt $2 ]; do
		sleep 100 & p=$!; kill -TERM $p; wait $p 2>/dev/null; want "killed" $? 143
		(trap 'exit 7' USR1; while :; do :; done) & p=$!; usleep 3000; kill -USR1 $p; wait $p 2>/dev/null; s=$?; case $s in 7|138) ;; *) echo WRONG usr1 $s;; esac
		yes | head -n 1000 > /dev/null
		sh -c 'kill -STOP $$; exit 4' & p=$!; # whenever it stops
		while grep -q ') [^Z]' /proc/$p/stat 2>/dev/null; do kill -CONT $p 2>/dev/null; usleep 5000; done; wait $p; want stop $? 4
		i=$((i+1)); done
}
forks() { i=0; while [ $i -lt $2 ]; do (:) & (:) & (: | :) & wait; i=$((i+1)); done; }
copies() { # ID KB
	dd if=/dev/urandom of=c$1 bs=1k count=$2 2>/dev/null; cp c$1 d$1; cat c$1 | cat | cat > e$1
	a=$(md5sum < c$1); want "copy $1" "$(md5sum < d$1)" "$a"; want "cat $1" "$(md5sum < e$1)" "$a"
	gzip -1 c$1; gunzip -c c$1.gz | md5sum | { read x; want "gz $1" "$x" "$a"; }
	rm c$1.gz d$1 e$1
}
fifos() { rm -f p$1; mkfifo p$1; i=0; while [ $i -lt 10 ]; do seq 1 200 > p$1 & want fifo $(wc -l < p$1) 200; wait; i=$((i+1)); done; rm p$1; }
appends() { rm -f ap$1; i=0; while [ $i -lt 4 ]; do (j=0; while [ $j -lt 50 ]; do echo "$i $j" >> ap$1; j=$((j+1)); done) & i=$((i+1)); done; wait; want append "$(sort -u ap$1 | wc -l)" 200; rm ap$1; }
syncs() { sync; echo x > s$1; sync; rm s$1; mv /dev/null/x y 2>/dev/null; df >/dev/null; free >/dev/null; ps >/dev/null; }
round=0
start=$(date +%s)
while [ $(( $(date +%s) - start )) -lt $secs ] || [ $round -lt 4 ]; do
	k=0; names=
	while [ $k -lt 4 ]; do
		rnd 11
		case $r in
		0) rnd 80; names="$names files$r"; files $k $((r+20)) & ;;
		1) rnd 10; names="$names pipes$r"; pipes $k $((r+2)) & ;;
		2) names="$names find"; findroot & ;;
		3) rnd 4; names="$names signals$r"; signals $k $((r+1)) & ;;
		4) rnd 20; names="$names forks$r"; forks $k $((r+5)) & ;;
		5) rnd 2000; names="$names copies$r"; copies $k $((r+100)) & ;;
		6) names="$names fifos"; fifos $k & ;;
		7) names="$names appends"; appends $k & ;;
		8) names="$names sync"; syncs $k & ;;
		9) rnd 100; names="$names files$r"; files $k $((r+20)) & ;;
		10) names="$names findwc"; findwc & ;;
		esac
		k=$((k+1))
	done
	echo "round $round:$names"
	wait
	round=$((round+1))
done
echo "done $round"

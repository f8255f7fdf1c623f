# Debian's busybox, static: pipes, sort, find, sed, awk, tar, sums, jobs and traps of its shell.
b=/usr/bin/busybox
printf 'pear 3\napple 7\nfig 1\n' > fruit
$b sort fruit | $b tee sorted | $b sed 's/ /:/' | $b awk -F: '{s += $2; print $1} END {print s}'
mkdir -p d/e
$b cp fruit d/e/
$b ln -s ../fruit d/link
$b ln fruit d/hard
$b find d | $b sort
$b tar cf d.tar d && mkdir out && $b tar xf d.tar -C out && $b diff -r d out/d && echo the same
$b md5sum fruit sorted d/e/fruit
$b stat -c '%n %F %a %h' d; $b stat -c '%n %F %a %h %s' fruit d/link
i=0; while [ $i -lt 5 ]; do i=$((i + 1)); echo $i; done | $b tr '\n' ' '; echo
(sleep 0.1; echo from the background) & wait; echo waited
trap 'echo terminated' TERM; kill -TERM $$; trap - TERM
$b grep -c apple fruit; $b wc fruit; $b head -c 5 fruit | $b od -c
$b dd if=/dev/zero of=big bs=64k count=10 2> /dev/null; $b stat -c %s big; $b md5sum big
$b seq 1 1000 | $b sha256sum
$b xargs echo < fruit
$b diff fruit sorted; $b cmp fruit d/e/fruit && echo equal
$b gzip -c fruit | $b gunzip
echo '2^100' | $b bc
$b timeout 1 sleep 5; echo $?
$b tty; echo $?
$b touch -d '2020-01-01 00:00:00' fruit; $b stat -c '%y' fruit
$b mv fruit d/e; ls d/e; $b rm -r d; ls
set -- a "b c" d; echo $# "$2"; echo "${2#b}" $((0x10 + 3))
$b sh -c 'kill -9 $$'; echo $?
$b cat /proc/self/cmdline | $b tr '\0' ' '; echo
$b mkfifo pipe; echo through the pipe > pipe & $b cat pipe; wait
$b truncate -s 1M sparse; $b stat -c '%s' sparse; $b tail -c 3 sparse | $b od -An -tx1

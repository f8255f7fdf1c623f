# procps: ps, top, free, vmstat, pmap, pgrep, uptime: the shape of what they print, and sums that must agree.
export LC_ALL=C TERM=dumb
awk() { busybox awk "$@"; }
shape() { sed -E 's/[0-9]+([.,:][0-9]+)*/N/g; s/ +/ /g; s/ $//'; }
# check NAME VALUE LIMIT: VALUE is at most LIMIT.
check() { if [ "$2" -le "$3" ]; then echo "$1: yes"; else echo "$1: $2 is more than $3"; fi; }

sleep 1000 &
child=$!
# It has become sleep, and sleeps.
until [ "$(ps -o comm= -p $child)" = sleep ] && [ "$(ps -o stat= -p $child | cut -c 1)" = S ]; do :; done

echo "-- ps"
ps -ef | head -n 1
ps aux | head -n 1
ps -o comm,args,ni,nlwp,rss -p $child | shape
ps -o ppid= -p $child | grep -qx " *$$" && echo "its parent is this shell"
ps -e -o pid= | grep -cx " *$$"
ps --ppid $$ -o comm= | grep -c sleep
kill -STOP $child
until [ "$(ps -o stat= -p $child | cut -c 1)" = T ]; do :; done
echo "stopped: $(ps -o state=,comm= -p $child)"
kill -CONT $child
ps -p 999999 > /dev/null || echo "nobody has that number: $?"
ps -o vsz=,rss= -p $$ | { read -r vsz rss; check "resident is a part of what is mapped" "$rss" "$vsz"; }
ps -L -o comm= -p $child

echo "-- pgrep"
pgrep -P $$ -x sleep | grep -cx $child
pgrep -P $$ -f 'sleep 1000' -c
pwdx $child | shape

echo "-- top"
top -b -n 1 > /tmp/top.$$
sed -n '2p;4,5p' /tmp/top.$$ | shape | sed -E 's/^(.iB (Mem|Swap)).*/\1/'
sed -n '3p' /tmp/top.$$ | sed -E 's/[0-9.]+/N/g; s/ +/ /g'
sed -n '7p' /tmp/top.$$ | sed -E 's/ +/ /g; s/ $//'
awk 'NR == 2 { print "tasks:", $2 == $4 + $6 + $8 + $10 ? "the kinds are all" : $0 }' /tmp/top.$$
awk 'NR > 7 && NF < 12 { bad++ } END { print "rows that lack a column:", bad + 0 }' /tmp/top.$$
awk -v pid=$$ 'NR > 7 && $1 == pid { print "this shell is there:", $8 ~ /[SR]/, $12 }' /tmp/top.$$
rm /tmp/top.$$
top -b -n 1 -p $child | awk 'NR > 7 { print $2, $8, $12 }'

echo "-- free"
free | shape
free -b | awk '/^Mem/ { print ($3 <= $2), ($4 <= $2), ($7 <= $2), ($4 > 0), ($6 > 0) }'
free -w | head -n 1
test "$(free -k | awk '/^Mem/ { print $2 }')" = "$(awk '/^MemTotal/ { print $2 }' /proc/meminfo)" && echo "the total is that of /proc/meminfo"

echo "-- vmstat"
vmstat | head -n 2
vmstat | awk 'NR == 3 { print NF, ($13 + $14 + $15 + $16 + $17 >= 97), ($13 + $14 + $15 + $16 + $17 <= 103) }'
vmstat -s | sed -E 's/^ +[0-9]+ //'
vmstat -s | awk '/total memory/ { total = $1 } /used memory|free memory/ { if ($1 > total) bad = 1 } END { print "parts:", bad + 0 }'
vmstat 1 2 | wc -l
vmstat -d | head -n 2 | sed -E 's/ +/ /g'

echo "-- pmap"
pmap $child | sed -n '1p;$p' | shape
pmap $child | awk 'NR > 1 && $1 != "total" { sum += $2 } $1 == "total" { print "sum:", (sum "K" == $2) }'
pmap $child | grep -c '\[ stack \]'
pmap $child | awk '/libc.so.6/ { print $3, $4 }' | sort -u
pmap -x $child | awk 'NR == 2 { $1 = $1; print }'
pmap -x $child | awk 'length($1) == 16 { kb += $2; rss += $3; if ($3 > $2 || $4 > $3) bad++ } $1 == "total" { print kb == $3, rss == $4, bad + 0 }'

echo "-- uptime"
uptime | shape | sed -E 's/up .*load/up, load/'
uptime -s | sed 's/[0-9]/N/g'
awk '{ print NF, ($1 > 0) }' /proc/uptime

echo "-- sysctl"
sysctl -n kernel.ostype
sysctl vm.max_map_count
kill $child
wait $child 2> /dev/null
echo "killed: $?"
ps -p $child > /dev/null || echo "and gone"
